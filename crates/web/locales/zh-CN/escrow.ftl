escrow-accept = 货物无误，付款给卖家
escrow-accept-note = 此后不能再通过枢纽追回货款。
escrow-window = { $when } 前可以提出索赔。
escrow-accepted = 谢谢，货款已放出。
problem-not-the-buyer = 只有买家可以确认收货。
problem-not-delivered = 货物尚未签收。
problem-nothing-held = 没有托管款：{ $state }。
problem-claim-window-open = 买家在 { $until } 前仍可索赔。
