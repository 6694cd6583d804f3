-- For wrk: posts events of `users` users and of the items in the file ITEMS, `batch` a request; or asks for those users.
-- live.lua TOKEN ITEMS USERS BATCH ("0": asks)
local users, batch, items, head, seed = 0, 0, {}, {}, 0
local thread = 0

function setup(t)
    t:set("number", thread)
    thread = thread + 1
end

function init(args)
    head = {["Authorization"] = "Bearer " .. args[1], ["Content-Type"] = "application/json"}
    for line in io.lines(args[2]) do
        items[#items + 1] = line
    end
    users, batch = tonumber(args[3]), tonumber(args[4])
    math.randomseed(os.time() + 1000 * number)
    seed = os.time() .. "-" .. number .. "-"
end

local n = 0
local function event()
    n = n + 1
    return string.format('{"user":"live-%d","item":"%s","kind":"%s","id":"%s%d"}', math.random(users), items[math.random(#items)],
        math.random() < 0.9 and "like" or "dislike", seed, n)
end

function request()
    if batch == 0 then
        return wrk.format("GET", "/v1/recommendations?k=10&user=live-" .. math.random(users), head)
    end
    if batch == 1 then
        return wrk.format("POST", "/v1/events", head, event())
    end
    local list = {}
    for i = 1, batch do
        list[i] = event()
    end
    return wrk.format("POST", "/v1/events", head, '{"events":[' .. table.concat(list, ",") .. "]}")
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format("RESULT %f %f %f %d\n", summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
