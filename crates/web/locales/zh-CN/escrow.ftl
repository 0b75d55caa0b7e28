escrow-accept = 货物无误，付款给卖家
escrow-accept-note = 此后不能再通过枢纽追回货款。
escrow-window = { $when } 前可以提出索赔。
escrow-accepted = 谢谢，货款已放出。
problem-due-differs = 对方放出 { $got }，而其签名报价为 { $expected }。
    .fix = 运营方应将已签名报价与对方消息核对。
