import { httpSenderContract } from "../../contract/http_sender_contract.ts";
import { httpSenderFaultsContract } from "../../contract/http_sender_faults_contract.ts";
import { providerAnswersContract } from "../../contract/provider_answers_contract.ts";
import { ENGINES } from "./_engines.ts";

for (const [engine, makeEngine] of Object.entries(ENGINES)) {
  httpSenderContract(engine, makeEngine);
  httpSenderFaultsContract(engine, makeEngine);
  providerAnswersContract(engine, makeEngine);
}
