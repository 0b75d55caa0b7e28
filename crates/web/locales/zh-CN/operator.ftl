hub-title = 枢纽
hub-mode-sandbox = 沙盒
hub-mode-production = 正式
hub-road = 通路
hub-road-none = 还没有对方枢纽。
hub-open = 畅通
hub-paused = 已暂停
hub-waiting = { $n ->
    [0] 全部已送达
   *[other] { $n } 个事件待发
}
hub-received = 已收到第 { $n } 个
hub-witness = 见证
hub-witness-ok = { $who } 已会签 { $size } 个事件
hub-witness-behind = { $who } 落后 { $n } 个事件
hub-witness-none = 还没有见证方。
hub-log = 日志
hub-log-size = { $size } 个事件，第 { $epoch } 期
hub-log-unsequenced = { $n ->
    [0] 事件均已编号
   *[other] { $n } 个事件待编号
}
hub-holds = 停滞事项
hub-holds-none = 没有停滞事项。
hub-holds-field = 原因
hub-holds-who = 由谁处理
hub-holds-count = 交易
hub-refusals = 最近 30 天的拒绝
hub-refusals-none = 没有被拒绝的请求。
hub-refusals-what = 命令
hub-refusals-count = 次数
hub-refusals-note = 这是给出该答复的次数；同一请求再次发送会再次计数。
hub-balls = 轮到谁
hub-stages = 各阶段交易
hub-clock = 业务时间
hub-clock-now = 现在是 { $now }。
hub-clock-move = 向前移动
hub-clock-note = 期限和索赔期随之变化，本通路上的所有枢纽一同移动，且不能倒退。
hub-clock-to = 移至
hub-clock-day = 1 天
hub-clock-week = 1 周
hub-clock-claim = 14 天
hub-clock-production = 正式环境中，业务时间就是实际时间。
hub-funnel = 从注册到再次出口
hub-funnel-signed = 注册卖家
hub-funnel-product = 有商品
hub-funnel-ready = 有可售商品
hub-funnel-order = 有订单
hub-funnel-exported = 有出口
hub-funnel-paid = 已收款
hub-funnel-repeat = 多次收款
hub-events = 最近事件
hub-rules = 使用中的规则
hub-bank = 银行账户
hub-bank-held = 款项存于{ $firm }，账户 { $account }。
problem-not-a-time = { $got } 不是日期，请写成 2026-12-01。
hub-road-silent = 连续 { $n } 次无应答
problem-log-not-ready = 日志尚未签到此处，请稍后再试。
problem-view-not-yours = 此视图供他方使用。
