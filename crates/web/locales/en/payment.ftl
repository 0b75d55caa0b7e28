# Paying, and the bank's notices.
payment-title = Sandbox Payment Firm
payment-lead = A practice page: no real money moves. The firm tells the hub by a signed message, as a real one does.
payment-to = To
payment-to-escrow = Escrow of the importing hub
payment-payer = Payer
payment-pay = Pay { $amount }
payment-see = See the trade file
bank-title = Notices of the account
bank-lead = { $firm }, account { $account }
bank-file = Notice in ISO 20022 camt.054
bank-file-hint = Credits are payments for orders; debits confirm payouts by their end-to-end reference.
bank-send = Send the notice
bank-taken = { $n ->
    [one] { $n } entry taken
   *[other] { $n } entries taken
}
bank-reference = Bank's reference
bank-amount = Amount
bank-fate = What became of it
fate-applied = in escrow
fate-parked = waits for its order
fate-set-aside = goes back to the payer
fate-confirmed = payout confirmed
fate-refused = refused
payment-pay-deposit = Pay the deposit, { $amount }
