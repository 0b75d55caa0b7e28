# 卖家货款付往的账户。
payee-title = 您的收款账户
payee-why = 您的货款付入此账户。因缺少账户而未付的款项，将随下一份付款文件付出。
payee-holder = 户名
payee-holder-hint = 按银行登记的写法填写。中国以外的银行只接受拉丁字母。
payee-save = 保存
problem-account-number = “{ $got }”不是账号：最多 { $max } 位数字和字母，不含空格。
    .fix = 请从银行对账单上抄写账号或 IBAN。
problem-holder-name = 户名超过 { $max } 个字符，或含有姓名中没有的符号。
    .fix = 请按银行对账单上的写法填写。
problem-holder-letters = 银行无法识别“{ $got }”中的“{ $character }”。
    .fix = 请按银行登记的写法，用拉丁字母填写户名。
payee-none = 您尚未填写收款账户，枢纽无法向您付款。
payee-unreadable = 枢纽的银行无法识别您的户名，枢纽无法向您付款。
