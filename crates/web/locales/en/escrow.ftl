escrow-accept = Goods are in order, pay the seller
escrow-accept-note = After this the money cannot be called back through the hub.
escrow-window = You can claim until { $when }.
escrow-accepted = Thank you. The money is released.
problem-due-differs = The peer lets go { $got }, but its signed quote says { $expected }.
    .fix = An operator compares the signed quote with the peer's message.
