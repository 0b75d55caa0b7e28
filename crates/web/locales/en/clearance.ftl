clearance-title = Customs
clearance-queue = { $n ->
    [0] Nothing to decide
    [one] { $n } declaration to decide
   *[other] { $n } declarations to decide
}
clearance-today = Today { $total }; { $share } were released by themselves. The rest, by deadline, is below.
clearance-today-none = Today no declaration has come yet.
clearance-empty = All that came is decided.
clearance-list = List
clearance-goods = Goods
clearance-reason = Reason
clearance-who = Who acts
clearance-value = Value
clearance-left = Time left
clearance-overdue = overdue { $time }
clearance-you = You
clearance-counts-green = Released by themselves
clearance-counts-officer = Released by an officer
clearance-counts-detained = Detained
clearance-counts-held = Held
clearance-counts-examining = In examination
clearance-decided = Decided
clearance-open = To decide
clearance-origin-of = { $hs } · { $origin }
clearance-decision = Decision
clearance-decision-note = Every decision carries its reason. Seller, buyer and the other customs see it at once.
clearance-reason-label = Reason
clearance-reason-hint = Needed to release what disagrees, to ask, and to detain
clearance-release = Release
clearance-ask = Ask for more
clearance-detain = Detain
clearance-answered = Answered
clearance-ask-what = About what
clearance-ask-whom = Whom
clearance-keys = Keys: j and k move, Enter opens, f releases, q asks, d detains.
clearance-declared = Declared
clearance-export-side = Released for export by { $hub }
clearance-examine-yellow = documents to be examined
clearance-examine-red = goods to be examined
clearance-asked = asked: { $reason }
clearance-held-because = { $fields } disagree
clearance-released-since = released { $when }
clearance-is = This declaration is { $state }.
clearance-other-side = The other side
clearance-whole-file = Open the whole trade file
problem-own-trade = This is a trade of your own. Another officer decides it.
problem-decision-unclear = { $got } is not a decision.
