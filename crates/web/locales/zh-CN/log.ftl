log-title = 日志
log-intro = 每个事件永久保存、连续编号。日志检查点由本枢纽签名，并由对方枢纽会签，任何人都不能改写经过。
log-checkpoint = 检查点
log-none = 尚无签名。
log-tiles = 哈希树分块公开。条目不公开，因为可能含有业务数据。交易档案附有其自身事件的证明。
log-witnesses = 会签方
