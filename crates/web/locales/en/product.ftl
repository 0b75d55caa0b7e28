# Products and price lists.
product-counts = { $all } products, { $ready } ready to sell abroad
product-upload = Upload a price list
product-upload-why = As you keep it: XLSX or CSV, headers in English, Malay or Chinese. You see how it is read before anything is taken in.
product-add = Add one product
product-none = You have no products here yet.
product-none-why = Upload your price list; each row becomes a product, and each product is told what it still lacks.
product-lanes = Can it be sold to
product-ready = Ready to sell
product-ready-for = { $country }: ready
product-gaps = { $n ->
    [one] { $n } thing missing
   *[other] { $n } things missing
}
product-to-door = { $total } to the door, one piece
product-one-piece-to-door = one piece, to the buyer's door, all taxes paid
product-see-quote = See every charge
product-asks = Nobody has confirmed a price yet. { $hub } does so when it is asked.
product-asks-business = What a business pays depends on pieces, Incoterm and place. { $hub } confirms the price to the business that asks.
product-no-road = This hub has no road to another country yet.
product-lane-to = To { $country }
product-ask = Ask what it costs to the door
product-description-hint = What it is, of what, for what, as customs will read it.
product-hs-hint = Six to ten digits of the tariff.
product-origin-hint = Two letters, where it was made or grown.
product-weight-hint = One piece as packed.
product-content-hint = Net, of one piece; decides some taxes. Of a drink with its strength: 700 40%.
product-file = Your price list
product-file-hint = XLSX, or CSV in UTF-8 or GB18030; at most 10 MB and 20,000 rows.
product-template = Or take an empty template
product-reason = Reason
product-faults = Cells to mend
product-faults-n = { $n ->
    [one] { $n } row to mend
   *[other] { $n } rows to mend
}
product-more-faults = { $n } more are in the file of failed rows.
product-cell = Cell
product-column = Column
product-written = Written
product-fault = What is wrong, and what to do
product-read = { $good } rows read, { $failed } to mend.
product-notes = { $n ->
    [one] { $n } row holds only a note.
   *[other] { $n } rows hold only a note.
}
product-taken = { $n ->
    [one] { $n } product is taken in.
   *[other] { $n } products are taken in.
}
product-take-ask = { $n ->
    [one] { $n } product is read without a fault.
   *[other] { $n } products are read without a fault.
}
product-take = { $n ->
    [one] Take in { $n } product
   *[other] Take in { $n } products
}
product-failed-later = { $n ->
    [one] { $n } row can follow when it is mended.
   *[other] { $n } rows can follow when they are mended.
}
product-see = See the products
product-failed-file = Download only these rows
product-upload-mended = Upload them again when mended
product-columns = How the columns were read
product-header-row = header in row { $row }
product-read-sheet = sheet { $sheet }
product-read-text = text in { $encoding }, columns parted by { $sign }
product-first-cell = First cell
product-taken-for = Taken for
product-unit = Unit
product-unit-assumed = assumed
product-column-is = Column { $letter } is
product-column-none = leave out
product-read-again = Read again like this
product-first-rows = The first rows as read
template-sku = SKU
template-name = Product
template-description = Description for customs
template-hs = HS code
template-origin = Country of origin
template-weight = Weight (kg)
template-size = Size (cm)
template-content = Net content
template-price = Price ({ $currency })
product-battery = Lithium battery
product-battery-why = A battery decides how a parcel may fly. Say so too where there is none.
product-watt-hours-hint = As printed on it; volts times ampere-hours.
product-liquid = Liquid or aerosol
product-liquid-why = Perfume, spray and spirits may burn: that decides how they may fly.
product-not-said = not said
product-mend-here = Mend it here
field-battery = Lithium battery
field-battery-packed = How it is packed
field-watt-hours = Watt-hours
field-strength = Alcohol by volume
field-charge = State of charge
field-liquid = Liquid
field-flammable = Flammable
battery-none = no lithium battery
battery-ion = lithium-ion (rechargeable)
battery-metal = lithium-metal (not rechargeable)
battery-packed-alone = alone
battery-packed-with = packed with its equipment
battery-packed-in = in its equipment
battery-packed-vehicle = drives a vehicle
liquid-none = none
liquid-liquid = liquid
liquid-aerosol = aerosol (under pressure)
