// Publishes one "new mail" to a user and prints what became of it, with Go's standard library:
//
//	CARILLON_KEY=car_… go run publish.go [user] [context]
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math"
	mathrand "math/rand"
	"net/http"
	"os"
	"time"
)

const attempts = 5

var client = &http.Client{Timeout: 30 * time.Second}

type notification struct {
	Context string         `json:"context"`
	User    string         `json:"user"`
	Topic   string         `json:"topic"`
	Data    map[string]any `json:"data"`
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

// argument returns the n-th argument of the command.
func argument(n int, fallback string) string {
	if len(os.Args) > n {
		return os.Args[n]
	}
	return fallback
}

// call sends one request; the status is 0 where no answer came.
func call(method, path string, body []byte, key string) (status int, answer []byte, err error) {
	address := env("CARILLON_URL", "http://localhost:8080") + path
	request, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("CARILLON_KEY"))
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%d %s", response.StatusCode, answer)
	}
	return response.StatusCode, answer, err
}

// publish repeats what failed for the moment with the same key, so that it counts once.
func publish(message notification) (string, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return "", err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	key := hex.EncodeToString(random)
	for attempt := 1; ; attempt++ {
		status, answer, err := call(http.MethodPost, "/v1/notifications", body, key)
		if err == nil {
			var accepted struct {
				IDs []string `json:"ids"`
			}
			if err := json.Unmarshal(answer, &accepted); err != nil {
				return "", err
			}
			return accepted.IDs[0], nil
		}
		isTransient := status == 0 || status == 409 || status == 429 || status >= 500
		if !isTransient || attempt == attempts {
			return "", err
		}
		longest := 250 * math.Pow(2, float64(attempt))
		time.Sleep(time.Duration(mathrand.Float64()*longest) * time.Millisecond)
	}
}

func main() {
	log.SetFlags(0)
	id, err := publish(notification{
		User:    argument(1, "3"),
		Context: argument(2, "1"),
		Topic:   "ox:mail:new",
		Data: map[string]any{
			"folder": "default0/INBOX", "id": "113", "email": "jane.doe@foobar.com",
			"displayname": "Jane Doe", "subject": "Let us meet", "teaser": "Hello",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("accepted as", id)
	for {
		time.Sleep(200 * time.Millisecond)
		_, answer, err := call(http.MethodGet, "/v1/notifications/"+id, nil, "")
		if err != nil {
			log.Fatal(err)
		}
		var record struct {
			State string `json:"state"`
		}
		if err := json.Unmarshal(answer, &record); err != nil {
			log.Fatal(err)
		}
		if record.State != "in_flight" {
			fmt.Println(string(answer))
			return
		}
	}
}
