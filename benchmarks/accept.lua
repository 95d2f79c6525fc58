-- Deliveries for wrk, a load generator that is not ours: each a new lookup in a chat of its own.
--   wrk -t1 -c64 -d20s -s benchmarks/accept.lua WEBHOOK_URL [COMPANY_ID] [FIRST_NUMBER] [TOKEN]
-- The last line that it prints is JSON: answers a second, percentiles in microseconds, answers other than 200.

local company = "1001"
local token = ""
local number = 0
local threads = {}

function setup(thread)
  thread:set("first", #threads * 10000000)
  table.insert(threads, thread)
end

function init(args)
  company = args[1] or company
  if args[3] then token = string.format('"token":"%s",', args[3]) end
  number = first + (tonumber(args[2]) or 0)
  refused = 0
end

local function document(digits)
  -- a CPF whose check digits are right
  local all = { digits:byte(1, -1) }
  for i = 1, #all do all[i] = all[i] - 48 end
  for _ = 1, 2 do
    local sum = 0
    for i = 1, #all do sum = sum + all[i] * (#all + 2 - i) end
    table.insert(all, sum * 10 % 11 % 10)
  end
  return table.concat(all)
end

function request()
  number = number + 1
  local body = string.format(
    '{"time":1795400000,%s"messages":{"notifyApp":[{"id":"w-%d","event":"CONSULTAR_CLIENTE",'
      .. '"company":{"id":%s},"chat":{"id":%d,"channel":"whatsapp","situation":"auto","customer":{"id":"c-%d",'
      .. '"name":"Zuleide Quaresma","phone":"+5511987654321"}},"data":{"cpf_cnpj":"%s"}}]}}',
    token, number, company, 500000000 + number, number, document(string.format("%09d", 100000000 + number)))
  return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
end

function response(status)
  if status ~= 200 then refused = refused + 1 end
end

function done(summary, latency)
  local all = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  for _, thread in ipairs(threads) do all = all + thread:get("refused") end
  io.write(string.format('{"per_second":%.1f,"p50_us":%d,"p99_us":%d,"refused":%d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(50), latency:percentile(99), all))
end
