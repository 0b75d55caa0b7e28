escrow-accept = Goods are in order, pay the seller
escrow-accept-note = After this the money cannot be called back through the hub.
escrow-window = You can claim until { $when }.
escrow-accepted = Thank you. The money is released.
problem-not-the-buyer = Only the buyer can confirm the goods.
problem-not-delivered = The goods have not been delivered yet.
problem-nothing-held = No money is held: the escrow is { $state }.
problem-claim-window-open = The buyer may still claim until { $until }.
