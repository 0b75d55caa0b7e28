settlement-title = Settlement
settlement-intro = What this hub owes its peers and what they owe it. What one side owes is what the other is owed, plus what is still on the road.
settlement-peer = Peer
settlement-due-to = We owe
settlement-due-from = We are owed
settlement-flight = On the road
settlement-flight-note = released here, not yet confirmed there
settlement-none = No positions.
settlement-equal = equal
settlement-checked = { $mine } here = { $theirs } confirmed there + { $flight } on the road
settlement-trial = Trial balance
settlement-account = Account
settlement-debit = Debit
settlement-credit = Credit
settlement-pending = Held
settlement-sum = Sum
settlement-balanced = in balance
settlement-unbalanced = out of balance by { $difference }
settlement-audit = Audit
settlement-audit-why = All balances are worked out again from the transfers.
settlement-audit-ok = { $accounts } accounts agree with { $transfers } transfers.
settlement-audit-bad = { $n ->
    [one] { $n } account disagrees with the transfers.
   *[other] { $n } accounts disagree with the transfers.
}
