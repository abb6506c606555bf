-- Load for wrk: beacons as the tracker makes them, from the page view of five events in FILE.
--
--   wrk … -s beacon.lua URL -- EVENTS SEED FILE
--
-- EVENTS 1: a beacon per event, five of a page view one after the other. EVENTS 10: two page views in a beacon.
-- Page and visitor ids are UUIDv7, event ids `<page>-<n>`; a visitor has several beacons. All ids have one length,
-- so a body's length is known before it is filled, and filling costs a few table writes.

local BEACONS_PER_VISITOR = {[1] = 10, [10] = 4}

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local floor, random, format, concat = math.floor, math.random, string.format, table.concat

local tick = 0
local function now_ms()
  tick = (tick + 1) % 1000
  return os.time() * 1000 + tick
end

local function uuid(ms)
  return format("%08x-%04x-7%03x-%04x-%06x%06x", floor(ms / 65536), ms % 65536, random(0, 0xfff),
    0x8000 + random(0, 0x3fff), random(0, 0xffffff), random(0, 0xffffff))
end

-- A beacon's text in pieces, and which of them are filled in: "page", "at", "visitor" or "sent", by place.
local function template(lines)
  local text = '{"v":1,"visitor":"$visitor","sent":$sent,"mode":"full","choice":"default","via":"wasm",'
    .. '"context":{"lang":"es-ES","screen":"390x844","tz":"Europe/Madrid"},"events":[' .. concat(lines, ",") .. "]}"
  local pieces, holes, from = {}, {}, 1
  for place, name, after in text:gmatch("()%$(%l+)()") do
    pieces[#pieces + 1] = text:sub(from, place - 1)
    pieces[#pieces + 1] = ""
    holes[#holes + 1] = {#pieces, name}
    from = after
  end
  pieces[#pieces + 1] = text:sub(from)
  local width = {page = 36, second = 36, visitor = 36, at = 13, sent = 13}
  local length = 0
  for _, piece in ipairs(pieces) do length = length + #piece end
  for _, hole in ipairs(holes) do length = length + width[hole[2]] end
  local head = format("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n",
    wrk.path, wrk.headers["Host"] or "localhost", length)
  pieces[1] = head .. pieces[1]
  return {pieces = pieces, holes = holes}
end

local templates, events, visitor, sent_of_visitor, page, step

function init(args)
  events = tonumber(args[1])
  math.randomseed(tonumber(args[2]) * 64 + number)
  local lines = {}
  for line in io.lines(args[3]) do lines[#lines + 1] = line end
  templates = {}
  if events == 1 then
    for index, line in ipairs(lines) do templates[index] = template({line}) end
  else
    local both = {}
    for index, line in ipairs(lines) do
      both[index] = line
      both[#lines + index] = line:gsub("%$page", "$second")
    end
    templates[1] = template(both)
  end
  sent_of_visitor, step = BEACONS_PER_VISITOR[events], 0
end

function request()
  local ms = now_ms()
  if sent_of_visitor >= BEACONS_PER_VISITOR[events] then
    visitor, sent_of_visitor = uuid(ms), 0
  end
  sent_of_visitor = sent_of_visitor + 1
  step = step % #templates + 1
  if step == 1 then page = uuid(ms) end
  local second = events > 1 and uuid(ms) or nil
  local time = format("%d", ms)
  local filled = templates[step]
  local pieces = filled.pieces
  for _, hole in ipairs(filled.holes) do
    local name = hole[2]
    pieces[hole[1]] = name == "page" and page or name == "second" and second or name == "visitor" and visitor or time
  end
  return concat(pieces)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(format(
    '{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"max":%d,"not_ok":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
