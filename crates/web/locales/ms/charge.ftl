# satu caj: nama, cara dikira, siapa memungut dan menanggungnya
charge-duty = Duti import
charge-additional-duty = Duti tambahan
charge-consumption-tax = Cukai penggunaan
charge-excise = Eksais
charge-sales-tax = Cukai jualan import
charge-vat = VAT
charge-gst = Cukai barang dan perkhidmatan (GST)
charge-lvg = Cukai jualan barang bernilai rendah (LVG)
charge-income-tax = Cukai pendapatan semasa import
charge-fee = Yuran

formula-not-levied = Tidak dikenakan dalam had pengguna
formula-composite-vat = Cukai baris: { $base } × { $vat } × { $share } = { $tax }
formula-composite = Bahagiannya daripada cukai baris: { $base } × ({ $ct } + { $vat }) ÷ (1 − { $ct }) × { $share } = { $tax }
formula-composite-compound = ({ $base } × { $ct } + { $specific }) ÷ (1 − { $ct }) × { $share }: bersama VAT jumlahnya { $tax }
formula-composite-compound-vat = ({ $base } + { $specific }) × { $vat } ÷ (1 − { $ct }) × { $share }
formula-ad-valorem = { $base } × { $rate }
formula-part-of-base = { $base } × { $top } ÷ { $bottom } × { $rate }
formula-by-rate = { $rate } atas { $base }, { $quantity }
formula-inside = { $base } ÷ (1 − { $rate }) × { $rate }
formula-inside-compound = ({ $base } + { $specific }) ÷ (1 − { $rate }) × { $rate } + { $specific }
formula-specific = { $rate } × { $quantity }
formula-flat = { $amount } setiap { $per } × { $count }
formula-flat-parcel = { $amount } setiap bungkusan
formula-with-line = Dikira bersama baris { $line }: subkepala yang sama
formula-top-up = { $base } × { $rate }, tolak { $already } duti yang telah dikenakan
formula-bounded = Dikira { $worked }, dihadkan antara amaun minimum dan maksimum peraturan
formula-below = Tidak kena: { $price } setiap { $per }, di bawah { $threshold }
formula-relieved = Tiada: { $value } bersama tambang masih dalam had { $limit }
formula-relieved-goods = Tiada: barang bernilai { $value } masih dalam had { $limit }
formula-relieved-item = Tiada: harga seunit masih dalam had { $limit }
formula-at-the-sale = { $base } × { $rate }, dipungut semasa jualan: seunit berharga { $price }, dalam had { $limit }
formula-at-the-sale-parcel = { $base } × { $rate }, dipungut semasa jualan: bungkusan bernilai { $price }, dalam had { $limit }
formula-taken-at-the-sale = Tiada: cukai barang ini telah dipungut semasa jualan
formula-instead-of = Tiada: digantikan oleh { $rule }

quantity-grams = { $n } g bersih
quantity-millilitres = { $n } ml
quantity-alcohol = { $ml } ml alkohol tulen
quantity-pieces = { $n } unit

per-line = baris
per-hs6 = subkepala enam digit
per-parcel = bungkusan

at-sale = dipungut bersama harga
at-border = kena dibayar di sempadan
owed-by = ditanggung oleh { $who }
filed-by = difailkan oleh { $who }
liable-buyer = pembeli
liable-importer = pengimport
liable-seller = penjual
liable-marketplace = pasaran
liable-carrier = pengangkut
liable-declarant = pengikrar
