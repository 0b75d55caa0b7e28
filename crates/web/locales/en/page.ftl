# The house around every page.
skip-to-work = Skip to the content
nav-main = Main
nav-home = Home
nav-shop = Shop
nav-estimate = Price to the door
nav-calculator = Calculator
nav-classify = HS code
nav-start = Start
nav-products = Products
nav-trades = Trades
nav-orders = Orders
nav-money = Money
nav-officer = Queue
nav-operator = Hub
nav-replay = Wind tunnel
nav-peers = Peers
nav-settlement = Settlement
nav-parcels = Parcels
nav-warehouse = Warehouse
nav-scan = Scan
nav-stock = Stock
nav-my-stock = My stock
nav-bags = Bags
nav-manifests = Manifests
nav-payouts = Payouts
nav-account = Account
nav-sign-in = Sign in
sign-out = Sign out
language = Language
theme = Light or dark
theme-system = As my device
theme-light = Light
theme-dark = Dark
sandbox-word = Sandbox
sandbox-mark = Sandbox: no real goods or money
to-front = To the front page
list-comma = {", "}
sentence-space = {" "}
nothing = nothing
bool-true = yes
bool-false = no
save = Save
cancel = Cancel
search = Search
more = Show more
optional = optional

# How dates, times and rates are written.
date = { $day } { $month } { $year }
date-time = { $date }, { $time }
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
span-seconds = { $n } s
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}
fx-rate = 1 { $from } = { $mid } { $to }, plus { $spread }
request-number = Number of this request: { $number }
nav-permits = Permits
nav-clients = Clients
nav-mandates = Mandates
nav-agency = To decide
