# The wind tunnel: past trades under a draft of the rules.
replay-title = Wind tunnel
replay-intro = Runs past trades under a draft of the rules, before it is enacted: what it brings in, what is released at once, what buyers pay, and who gains or loses. Nothing is changed and nothing is kept.
replay-territory = Whose rules
replay-source = Which trades
replay-source-sample = Sample trades of a year
replay-source-hub = Trades of this hub
replay-how-many = How many sample trades
replay-seed = Seed of the sample
replay-draft = The draft
replay-draft-hint = Only what changes: the kind of the rule, its id, and the fields that are other than today. The same seed gives the same trades.
replay-days = Law of a day
replay-days-hint = Without a day each trade is judged by the law of its own day. With two days and no draft, the law of one day is compared with that of the other.
replay-on = The draft as of
replay-against-on = Today’s rules as of
replay-run = Run
replay-faults = { $n ->
    [one] The draft has a fault
   *[other] The draft has { $n } faults
}
replay-result = What came of it
replay-counted = { $n ->
    [one] One trade ran under both laws.
   *[other] { $n } trades ran under both laws.
}
replay-elsewhere = { $n ->
    [one] One more goes to another territory.
   *[other] { $n } more go to other territories.
}
replay-no-trades = There is no such trade here. Take the sample.
replay-nothing-changed = No trade comes out otherwise. If the draft begins on a later day, give that day under “Law of a day”.
replay-link = A link to this result
replay-changes = What the draft changes
replay-upset = { $n ->
    [one] One worked example of the pack comes out otherwise
   *[other] { $n } worked examples of the pack come out otherwise
}
replay-upset-line = { $rule }, example { $n }: { $expected } was written, { $got } under the draft.
replay-upset-other = { $rule }: { $what }
replay-behind = Trades behind the number
replay-behind-of = { $number }: show the trades behind it
replay-behind-none = No trade stands behind this number.
replay-before = Before
replay-next = Next
replay-was = Today
replay-is = Under the draft
replay-change = Change
replay-same = none
replay-more = + { $by }
replay-less = − { $by }
replay-share = { $n } ({ $share })
replay-from-to = { $was } → { $is }
replay-all = In all
replay-total = To the door
replay-revenue = What is collected
replay-charge = Charge
replay-charge-at = { $charge }, { $at }
replay-at-border = at the border
replay-at-sale = at the sale
replay-clearance = How goods are cleared
replay-how = Clearance
replay-checked-at-once = Released at once
replay-checked-yellow = Documents looked at
replay-checked-red = Goods looked at
replay-checked-held = Held until mended
replay-checked-not-ruled = No rules on checks in this pack
replay-checked-not-sold = Not sold
replay-checked-by = { $how }: { $by }
replay-buyers = What buyers pay
replay-buyers-note = { $n ->
    [one] One trade that both laws let be sold.
   *[other] { $n } trades that both laws let be sold.
}
replay-cost = To the door, in all
replay-dearer = Dearer
replay-cheaper = Cheaper
replay-unchanged = Unchanged
replay-refused = What is not sold, and why
replay-refused-note = Where the rules do not know an answer, or do not let the goods pass.
replay-why = Reason
replay-winners = Who gains and who loses
replay-winners-note = A seller loses whose buyers pay more in all, or who can sell less often. It gains if neither happens, and its buyers pay less or it can sell more often.
replay-size = Size of seller
replay-size-micro = Micro (under 100 trades a year)
replay-size-small = Small (100 to 999)
replay-size-medium = Medium (1,000 to 9,999)
replay-size-large = Large (10,000 and more)
replay-sellers = Sellers
replay-gain = Gain
replay-lose = Lose
replay-sizes = By size of seller
replay-goods = By goods, what changes most first
replay-chapter = Chapter of the tariff
replay-chapter-of = Chapter { $chapter }
replay-origins = By country of dispatch
replay-origin = From
replay-trades = Trades
replay-tax-was = Charges today
replay-not-sold = Not sold
replay-at-once = Released at once
replay-goods-line = HS { $hs } × { $pieces }: { $value }
replay-freight = Freight: { $amount }
replay-differs = { $field } differs
replay-differs-by = { $field }: { $declared } declared, { $found } found
replay-when = { $date }, { $from } to { $to }
replay-seller = seller { $n }, { $size }
replay-charge-line = { $charge }: { $how } = { $amount } ({ $rule })
problem-nothing-to-compare = There is neither a draft nor two days to compare.
    .fix = Write what the draft changes, or give two days.
problem-no-such-figure = { $got } is no number of the report.
    .fix = Take one from the report.
problem-no-such-source = { $got } is no source of trades.
    .fix = Take “sample” or “hub”.
problem-no-samples = This hub has no sample trades.
    .fix = Take the hub’s own trades.
problem-replay-busy = Another replay is running.
    .fix = Try again in some seconds.
problem-draft-does-not-load = The draft has { $faults } faults.
    .fix = Correct what is listed, and send it again.
problem-no-trades = No sample trades were asked for.
    .fix = Ask for one at least.
problem-no-firms = An economy needs a firm at least.
    .fix = Ask for one at least.
problem-dates-reversed = The last day, { $to }, lies before the first, { $from }.
    .fix = Exchange them.
problem-too-many-days = From the first day to the last are { $days } days; { $most } are the most.
    .fix = Choose days that lie nearer.
problem-rate-out-of-range = The rate of { $flaw } is { $rate }; it must lie between 0 and { $most }.
    .fix = Give a rate within.
problem-no-such-market = No pack rules the imports of { $market }.
    .fix = Take a territory that has one.
problem-no-sample-rate = For { $market } no sample rate of exchange into { $currency } is known.
    .fix = Take the hub’s own trades.
problem-nothing-answers = The rules of this territory have a price for none of the sample goods.
    .fix = Take another territory.
cli-replay-whose = It is not said whose rules the trades run under.
cli-replay-bad-line = { $path }, line { $line }: { $cause }
cli-replay-not-run = The trades could not be run: { $cause }
cli-replay-no-figure = { $got } is no number of the report. Such are: dearer, cheaper, lost, won, all, is.checked.at-once, is.charge.vat.border, size.micro, goods.62, from.CN.
cli-replay-no-market = { $got } is no territory with rules.
cli-replay-speed = { $trades } trades under two laws in { $seconds } s, on { $threads } threads
