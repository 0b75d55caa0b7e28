payouts-title = Payouts
payouts-due = Due
payouts-due-none = Nothing is due.
payouts-due-count = { $n ->
    [one] { $n } payout
   *[other] { $n } payouts
}
payouts-make = Make a file for the bank
payouts-make-note = All that is due goes into one ISO 20022 file (pain.001). The money counts as gone only when the bank’s notice (camt.054) says so.
payouts-files = Files
payouts-files-none = No files yet.
payouts-file = File
payouts-download = Download
payouts-execute = The sandbox bank executes this file
payouts-execute-note = Makes a real camt.054 notice and sends it to the hub as the bank would.
payouts-done = Paid
payouts-state-due = due
payouts-state-instructed = with the bank
payouts-state-done = paid
payouts-to = To
payouts-to-seller = seller
payouts-to-payer = back to the payer
payouts-trade = Trade
payouts-amount = Amount
payouts-since = Since
payouts-reference = Bank’s reference
payouts-notice = Bank’s notice (camt.054)
payouts-notice-send = Book it
payouts-account-missing = The seller has not given an account yet.
payouts-holder-letters = The bank cannot read the name of the account’s holder.
problem-nothing-due = Nothing is due.
    .fix = Come back when an escrow has been released.
problem-file-unknown = There is no file { $file } here.
problem-payout-account-missing = The payout of { $trade } has no account to go to.
