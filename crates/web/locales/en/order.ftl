# The buyer's orders.
order-none = You have not ordered anything yet.
order-none-yet = The order has not come yet
order-look = Look around the shop
order-number = Order number
order-what = Goods
order-where = Where it stands
order-total = To the door
order-next = Next step
order-pay = Pay
order-goods = { $pieces } × { $name }
order-goods-more = { $first } and { $more } more
