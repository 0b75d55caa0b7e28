# The quote: the price to the door.
quote-title = Price to the door
quote-heading = { $total } to the door
quote-valid = Valid until { $until }
quote-was-valid = Was valid until { $until }
quote-expired = expired
quote-countersigned = Countersigned by { $hub }
quote-confirmed = confirmed by the rules of { $hub }
quote-take = Nothing is added later.
quote-take-why = You pay into escrow; the seller is paid when you have the goods.
quote-order = Order for { $total }
quote-total = You pay
quote-freight = Freight
quote-freight-how = { $weight } chargeable weight, { $home }
quote-goods-how = { $pieces } × { $price }; { $rate }
quote-charge-of = { $charge }: { $goods }
quote-source = Source: { $source }
quote-rests-on = What it rests on
quote-regime = Regime
quote-knowledge = State of knowledge
quote-unverified-why = At least one rule has no official source yet. Good for practice; check before you rely on it.
quote-rate = Exchange rate
quote-rate-source = { $source }, { $at }
quote-date = Legal date
quote-pack = Rule pack
quote-number = Number
quote-rules = Rules used
quote-refused = No price can be given
quote-back = Back to the shop
quote-freight-in-price = In the seller's price
quote-incoterm = Incoterm
quote-place = Named place
quote-place-hint = Five letters of UN/LOCODE: where the carrier takes over (FCA), or where the goods come to (CPT, DAP).
quote-deposit = Deposit
quote-deposit-why = { $n ->
    [one] May be paid with the order; the balance within { $n } day. Or all at once.
   *[other] May be paid with the order; the balance within { $n } days. Or all at once.
}
quote-registration = Low value goods number
quote-registration-why = Under it the marketplace takes the sales tax; it goes with the parcel.
quote-business = On which terms you buy
