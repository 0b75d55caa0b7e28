hub-title = Hub
hub-mode-sandbox = sandbox
hub-mode-production = production
hub-road = Roads
hub-road-none = No peer yet.
hub-open = open
hub-paused = paused
hub-waiting = { $n ->
    [0] all sent
    [one] { $n } event waiting
   *[other] { $n } events waiting
}
hub-received = received up to { $n }
hub-witness-behind = { $n } events of ours not yet seen
hub-witness-none = No witness yet.
hub-log = Log
hub-log-size = { $size } events, epoch { $epoch }
hub-log-unsequenced = { $n ->
    [0] all events numbered
    [one] { $n } event not numbered yet
   *[other] { $n } events not numbered yet
}
hub-holds = What is stopped
hub-holds-none = Nothing is stopped.
hub-holds-field = Reason
hub-holds-who = Who acts
hub-refusals = Refused in the last 30 days
hub-refusals-none = Nothing was refused.
hub-refusals-what = Command
hub-refusals-count = Times
hub-refusals-note = How often it was said. The same request sent again counts again.
hub-balls = Who holds the ball
hub-stages = Trades by stage
hub-clock = Business time
hub-clock-now = It is { $now }.
hub-clock-move = Move forward
hub-clock-note = Deadlines and claim windows follow. All hubs on this road move too. It never goes back.
hub-clock-to = To
hub-clock-day = 1 day
hub-clock-week = 1 week
hub-clock-claim = 14 days
hub-clock-production = In production business time is the time of the world.
hub-funnel = From sign-up to repeat export
hub-funnel-signed = Sellers signed up
hub-funnel-product = with a product
hub-funnel-ready = with a product ready to sell
hub-funnel-order = with an order
hub-funnel-exported = with an export
hub-funnel-paid = paid
hub-funnel-repeat = paid more than once
hub-events = Latest events
hub-rules = Rules in use
hub-bank = Bank account
hub-bank-held = The money is at { $firm }, account { $account }.
problem-not-a-time = { $got } is not a date. Write it like 2026-12-01.
problem-log-not-ready = The log is not signed that far yet. Try again in a moment.
problem-view-not-yours = This view is for others.
hub-suspended = suspended: two histories
hub-road-stopped = stopped: needs its operator
hub-silent = no answer
hub-theirs = { $n ->
    [0] nothing waiting there
    [one] { $n } event waiting there
   *[other] { $n } events waiting there
}
hub-theirs-unknown = not heard of yet
hub-witnessed = saw { $size } of ours, { $ago } ago
hub-witnessed-once = saw { $size } of ours
hub-seen = we saw { $size } of theirs
hub-flow = { $lane } { $n } under way
hub-lane = { $lane }, { $regime }
hub-lanes = Lanes
hub-lanes-lane = Lane
hub-lanes-under-way = Under way
hub-lanes-paid = Paid
hub-lanes-otherwise = Ended otherwise
hub-side-export = we export
hub-side-import = we import
hub-customs-own = our customs
hub-customs-peer = the other side's customs
hub-holds-open = Now
hub-holds-ended = Ended
hub-holds-since = since { $day }
hub-holds-took = half in { $median }, nine of ten in { $most }
hub-times = How long the steps take
hub-times-all = All lanes
hub-times-count = Trades
hub-times-median = Half within
hub-times-p90 = Nine of ten within
hub-times-whole = From order to payout
hub-times-none = Nothing yet.
hub-times-note = Business time since the step before; within a sixteenth. What was done before its turn took no time.
hub-weeks = { $n ->
    [one] { $n } week
   *[other] { $n } weeks
}
hub-step-ordered = Ordered
hub-step-paid = Paid into escrow
hub-step-waybill = Waybill
hub-step-lodged = Declared at export
hub-step-export-released = Export released
hub-step-departed = Left the country
hub-step-arrived = Arrived
hub-step-import-released = Import released
hub-step-delivered = Delivered
hub-step-accepted = Accepted
hub-step-paid-out = Seller paid
hub-funnel-quoted = with a price from a peer
hub-funnel-took = half of them { $median } after the step before
