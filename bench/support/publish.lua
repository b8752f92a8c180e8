-- Single publishes to a thousand users in turn, for wrk. The environment says where and as whom.
local path = os.getenv("PUBLISH_PATH")
local n = 0

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("PUBLISH_KEY")

function request()
  n = n + 1
  local user = n % 1000
  local body = '{"context":"1","user":"' .. user .. '","topic":"ox:mail:new","data":' ..
    '{"folder":"default0/INBOX","id":"' .. n .. '","email":"jane.doe@foobar.com",' ..
    '"displayname":"Jane Doe","subject":"Let us meet","unread":83,"teaser":"Hello"}}'
  return wrk.format(nil, (path:gsub("USER", tostring(user))), nil, body)
end
