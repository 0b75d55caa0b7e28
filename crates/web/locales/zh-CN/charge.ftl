# 一项费用：名称、算法、由谁收取和承担
charge-duty = 关税
charge-additional-duty = 附加关税
charge-consumption-tax = 消费税
charge-excise = 货物税
charge-sales-tax = 进口销售税
charge-vat = 增值税
charge-gst = 商品与服务税（GST）
charge-lvg = 低价值商品销售税
charge-income-tax = 进口所得税
charge-fee = 费用

formula-not-levied = 限额内暂免
formula-composite-vat = 本行税款：{ $base } × { $vat } × { $share } = { $tax }
formula-composite = 本行综合税中的份额：{ $base } × ({ $ct } + { $vat }) ÷ (1 − { $ct }) × { $share } = { $tax }
formula-composite-compound = ({ $base } × { $ct } + { $specific }) ÷ (1 − { $ct }) × { $share }，与增值税合计 { $tax }
formula-composite-compound-vat = ({ $base } + { $specific }) × { $vat } ÷ (1 − { $ct }) × { $share }
formula-ad-valorem = { $base } × { $rate }
formula-part-of-base = { $base } × { $top } ÷ { $bottom } × { $rate }
formula-by-rate = { $base } 按 { $rate } 计征，{ $quantity }
formula-inside = { $base } ÷ (1 − { $rate }) × { $rate }
formula-inside-compound = ({ $base } + { $specific }) ÷ (1 − { $rate }) × { $rate } + { $specific }
formula-specific = { $rate } × { $quantity }
formula-flat = 每{ $per } { $amount } × { $count }
formula-flat-parcel = 每个包裹 { $amount }
formula-with-line = 与第 { $line } 行同一子目，合并计征
formula-top-up = { $base } × { $rate }，减去已征关税 { $already }
formula-bounded = 计算为 { $worked }，按规则的上下限取值
formula-below = 不征：每{ $per } { $price }，低于 { $threshold }
formula-relieved = 免征：含运费 { $value }，在 { $limit } 限额内
formula-relieved-goods = 免征：货值 { $value }，在 { $limit } 限额内
formula-relieved-item = 免征：单价在 { $limit } 限额内
formula-at-the-sale = { $base } × { $rate }，销售时代收：单价 { $price }，在 { $limit } 限额内
formula-at-the-sale-parcel = { $base } × { $rate }，销售时代收：包裹价值 { $price }，在 { $limit } 限额内
formula-taken-at-the-sale = 不再征收：此商品的税已在销售时代收
formula-instead-of = 不征：改按 { $rule } 征收

quantity-grams = 净重 { $n } 克
quantity-millilitres = { $n } 毫升
quantity-alcohol = 纯酒精 { $ml } 毫升
quantity-pieces = { $n } 件

per-line = 行
per-hs6 = 六位子目
per-parcel = 包裹

at-sale = 随价款收取
at-border = 口岸缴纳
owed-by = 由{ $who }承担
filed-by = 由{ $who }申报
liable-buyer = 买家
liable-importer = 进口人
liable-seller = 卖家
liable-marketplace = 平台
liable-carrier = 承运人
liable-declarant = 申报人
