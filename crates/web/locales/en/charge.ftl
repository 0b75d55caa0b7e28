# one charge: its name, how it came about, who takes and owes it
charge-duty = Import duty
charge-additional-duty = Additional duty
charge-consumption-tax = Consumption tax
charge-excise = Excise
charge-sales-tax = Sales tax on import
charge-vat = VAT
charge-gst = Goods and services tax (GST)
charge-lvg = Sales tax on low value goods
charge-income-tax = Income tax at import
charge-fee = Fee

formula-not-levied = Not levied within the consumer limits
formula-composite-vat = Tax of the line: { $base } × { $vat } × { $share } = { $tax }
formula-composite = Its part of the tax of the line: { $base } × ({ $ct } + { $vat }) ÷ (1 − { $ct }) × { $share } = { $tax }
formula-composite-compound = ({ $base } × { $ct } + { $specific }) ÷ (1 − { $ct }) × { $share }: with VAT it makes { $tax }
formula-composite-compound-vat = ({ $base } + { $specific }) × { $vat } ÷ (1 − { $ct }) × { $share }
formula-ad-valorem = { $base } × { $rate }
formula-part-of-base = { $base } × { $top } ÷ { $bottom } × { $rate }
formula-by-rate = { $rate } on { $base }, { $quantity }
formula-inside = { $base } ÷ (1 − { $rate }) × { $rate }
formula-inside-compound = ({ $base } + { $specific }) ÷ (1 − { $rate }) × { $rate } + { $specific }
formula-specific = { $rate } × { $quantity }
formula-flat = { $amount } a { $per } × { $count }
formula-flat-parcel = { $amount } a parcel
formula-with-line = Counted with line { $line }: the same subheading
formula-top-up = { $base } × { $rate }, less { $already } of duty already levied
formula-bounded = { $worked } worked out, held within the least and the most of the rule
formula-below = Not due: { $price } a { $per }, below { $threshold }
formula-relieved = Nothing: { $value } with freight is within the limit of { $limit }
formula-relieved-goods = Nothing: goods of { $value } are within the limit of { $limit }
formula-relieved-item = Nothing: the price of a piece is within the limit of { $limit }
formula-at-the-sale = { $base } × { $rate }, taken at the sale: a piece costs { $price }, within the limit of { $limit }
formula-at-the-sale-parcel = { $base } × { $rate }, taken at the sale: the parcel is worth { $price }, within the limit of { $limit }
formula-taken-at-the-sale = Nothing: the tax of these goods was taken at the sale
formula-instead-of = Nothing: { $rule } stands in its place

quantity-grams = { $n } g net
quantity-millilitres = { $n } ml
quantity-alcohol = { $ml } ml of pure alcohol
quantity-pieces = { $n ->
    [one] { $n } piece
   *[other] { $n } pieces
}

per-line = line
per-hs6 = subheading of six digits
per-parcel = parcel

at-sale = taken with the price
at-border = due at the border
owed-by = owed by { $who }
filed-by = filed by { $who }
liable-buyer = the buyer
liable-importer = the importer
liable-seller = the seller
liable-marketplace = the marketplace
liable-carrier = the carrier
liable-declarant = the declarant
