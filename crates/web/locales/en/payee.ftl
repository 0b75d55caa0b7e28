# To whose account a seller’s money goes.
payee-title = Where you are paid
payee-why = What you sell is paid into this account. What waited for it goes with the next file to the bank.
payee-holder = Holder of the account
payee-holder-hint = As your bank writes the name. A bank outside China takes Latin letters only.
payee-save = Save
problem-account-number = “{ $got }” is no number of an account: up to { $max } digits and letters, without blanks.
    .fix = Copy the number or the IBAN from your bank’s statement.
problem-holder-name = The holder’s name is longer than { $max } letters, or holds signs that no name has.
    .fix = Give the name as it stands on your bank’s statement.
problem-holder-letters = The bank cannot read “{ $character }” in “{ $got }”.
    .fix = Give the holder of the account as your bank writes it, in Latin letters.
payee-none = You have named no account yet: the hub cannot pay you.
payee-unreadable = The hub’s bank cannot read the name of your account’s holder: the hub cannot pay you.
