# The shop.
offer-title = Goods from across the border
offer-lead = Prices are the seller's. Choose pieces and see one price to your door, all taxes included.
offer-search = Search by name, seller or HS code
offer-none = Nothing found.
offer-none-why = Sellers on the other hub offer goods here as soon as they are ready for this country.
offer-by = by { $seller }
offer-pieces = pieces
offer-pieces-of = Pieces of { $name }
offer-per-piece = a piece, at the seller's
offer-ask = What does it cost to my door?
offer-ask-why = With freight, duty and tax, confirmed by customs' rules and valid for seven days.
offer-ask-go = Price to the door
offer-sign-in = Sign in as a buyer to see the price to your door.
offer-facts = What it is
offer-from-hub = Sold on hub
