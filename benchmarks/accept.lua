-- Deliveries for wrk, a load generator that is not ours: each a new lookup in a chat of its own.
--   wrk -t1 -c64 -d20s -s benchmarks/accept.lua WEBHOOK_URL [COMPANY_ID]
-- Counts answers other than 200, and prints them at the end.

local company = "1001"
local number = 0
local threads = {}

function setup(thread)
  thread:set("first", #threads * 10000000)
  table.insert(threads, thread)
end

function init(args)
  company = args[1] or company
  number = first
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
    '{"time":1795400000,"messages":{"notifyApp":[{"id":"w-%d","event":"CONSULTAR_CLIENTE","company":{"id":%s},'
      .. '"chat":{"id":%d,"channel":"whatsapp","situation":"auto","customer":{"id":"c-%d","name":"Zuleide Quaresma",'
      .. '"phone":"+5511987654321"}},"data":{"cpf_cnpj":"%s"}}]}}',
    number, company, 500000000 + number, number, document(string.format("%09d", 100000000 + number)))
  return wrk.format("POST", nil, { ["Content-Type"] = "application/json" }, body)
end

function response(status)
  if status ~= 200 then refused = refused + 1 end
end

function done()
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("refused") end
  io.write(string.format("answers other than 200: %d\n", all))
end
