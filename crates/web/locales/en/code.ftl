# Words for the codes of closed lists.

# roles
role-seller = Seller
role-buyer = Buyer
role-officer = Customs officer
role-operator = Hub operator
role-carrier = Carrier
role-bank = Bank
role-warehouse = Warehouse
role-lender = Lender
role-broker = Customs broker
role-agency = Permit agency

# where a trade stands
stage-awaiting-order = Waiting for the order
stage-awaiting-payment = Waiting for payment
stage-in-escrow = Paid, in escrow
stage-export-held = Held at export
stage-export-released = Released for export
stage-import-held = Held at import
stage-import-released = Released for import
stage-delivered = Delivered
stage-settled = Escrow released
stage-paid = Seller paid
stage-detained = Detained
stage-lapsed = Lapsed, not paid in time
stage-declined = Declined

# who holds the ball
holder-seller = The seller
holder-buyer = The buyer
holder-export-carrier = The carrier at export
holder-import-carrier = The carrier at import
holder-warehouse = The warehouse
holder-export-customs = Export customs
holder-import-customs = Import customs
holder-payment-firm = The bank or payment firm
holder-broker = The customs broker
holder-export-hub = The exporting hub
holder-import-hub = The importing hub
holder-nobody = Nobody

# what for
task-place-order = place the order
task-pay = pay
task-hand-over = hand the parcel to the carrier
task-pick-order = pick and pack the order
task-lodge-export = lodge the export declaration
task-examine = examine
task-answer = answer a question
task-mend = mend a document
task-transport = carry
task-deliver = deliver
task-accept-goods = accept the goods
task-release-escrow = release the escrow
task-pay-out = pay out
task-nothing = nothing

# how well a rule is known
knowledge-sourced = sourced
knowledge-unverified = unverified
knowledge-unknown = unknown

# under which regime
regime-b2c-parcel = Consumer parcel
regime-bonded-b2c = Consumer goods from bond
regime-b2b = Business to business
regime-overseas-warehouse = Overseas warehouse
regime-personal-post = Personal post
treatment-within-limits = within the consumer limits
treatment-over-single-limit-in-full = over the single limit, taxed in full
direction-import = import
direction-export = export
side-import = import
side-export = export

# charges
per-piece = piece
per-ml = ml
per-g = g

# fields of a product and of a price list
field-sku = Article number
field-name = Name
field-description = Description for customs
field-hs = HS code
field-origin = Country of origin
field-weight = Gross weight of a piece
field-weight-unit = Unit of weight
field-size = Size as packed
field-length = Length
field-width = Width
field-height = Height
field-size-unit = Unit of size
field-price = Price
field-currency = Currency
field-content = Net contents
field-content-unit = Unit of contents
field-pack = Packing
content-unit-ml = ml
content-unit-g = g
content-unit-piece = pieces
file-kind-old-excel = an Excel file of before 2007 (.xls)
file-kind-binary-excel = a binary Excel file (.xlsb)
file-kind-locked = a workbook under a password
file-kind-open-document = an OpenDocument file
file-kind-pdf = a PDF
file-kind-image = a picture
file-kind-web-page = a web page
file-kind-other-archive = an archive
file-kind-unknown = of a kind that is not read here

# countries that the pages name often; any other is shown by its code
country-MY = Malaysia
country-CN = China
country-SG = Singapore
country-TH = Thailand
country-ID = Indonesia
country-VN = Viet Nam
country-PH = Philippines
country-JP = Japan
country-KR = South Korea
country-IN = India
country-LK = Sri Lanka
country-AU = Australia
country-NZ = New Zealand
country-GB = United Kingdom
country-US = United States
country-FR = France
country-DE = Germany
country-IT = Italy
country-CH = Switzerland
country-TW = Taiwan
country-HK = Hong Kong

# identity documents
id-type-resident-id = Resident identity card
id-type-passport = Passport
id-type-mykad = MyKad
unit-kilogram = kilograms
unit-gram = grams
unit-metre = metres
unit-centimetre = centimetres
unit-millimetre = millimetres
unit-litre = litres
unit-millilitre = millilitres
unit-piece = pieces
unit-other = a unit that is not taken here
per-article = article
field-permit = Permit
treatment-relief = free of duty within the relief of the border
treatment-full = taxed in full
declaration-kind-list = list of consumer parcels
declaration-kind-full-entry = full entry
# the eleven rules of Incoterms 2020
incoterm-exw = from the seller's premises
incoterm-fca = handed to the carrier
incoterm-fas = alongside the ship
incoterm-fob = on board
incoterm-cfr = on board, freight paid
incoterm-cif = on board, freight and insurance paid
incoterm-cpt = carriage paid
incoterm-cip = carriage and insurance paid
incoterm-dap = delivered, ready to unload
incoterm-dpu = delivered and unloaded
incoterm-ddp = delivered, duty paid
incoterm-why-fca = The seller clears the goods for export and hands them to the carrier at the named place; you pay freight, duty and taxes.
incoterm-why-cpt = The seller's price holds the carriage to the named place; the risk is yours from the first carrier on. You pay duty and taxes.
incoterm-why-dap = The seller's price holds the carriage, and the risk is the seller's as far as the named place. You pay duty and taxes.
incoterm-reason-buyer-clears-export = you would have to clear the goods for export in the seller's country
incoterm-reason-sea-only = it is for goods that go by ship from port to port
incoterm-reason-insurance-needed = the seller would have to insure the goods, and nobody does that here yet
incoterm-reason-unloading-needed = the seller would have to unload at the destination
incoterm-reason-seller-pays-import-taxes = the seller would be the importer in your country
field-regime = Regime
field-incoterm = Incoterm
field-place = Named place
field-registration = Registration number
stage-deposited = Deposit paid, balance due
task-pay-balance = pay the balance
stage-returning = Being returned
stage-returned = Returned
stage-cancelled = Cancelled
stage-disputed = In dispute
stage-refunded = Refunded
task-answer-return = answer a return
task-hand-in = hand the goods in
task-bring-back = bring the goods home
task-examine-return = examine goods that go back
task-open-dispute = open a dispute, or let it be
task-answer-dispute = answer a dispute
task-decide-dispute = decide a dispute
state-asked = asked
state-refused = not agreed
state-agreed = agreed
state-settled = settled
state-lapsed = came to nothing
state-open = open
state-answered = answered
state-decided = decided
state-withdrawn = withdrawn
claim-term-return-answer = answer to a return
claim-term-return-hand-in = handing the goods in
claim-term-dispute-answer = answer to a dispute
claim-term-dispute-decision = decision of a dispute
