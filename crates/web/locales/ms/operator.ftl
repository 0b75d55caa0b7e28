hub-title = Hab
hub-mode-sandbox = kotak pasir
hub-mode-production = produksi
hub-road = Laluan
hub-road-none = Belum ada hab rakan.
hub-open = terbuka
hub-paused = dijeda
hub-waiting = { $n ->
    [0] semua telah dihantar
   *[other] { $n } peristiwa menunggu
}
hub-received = diterima hingga { $n }
hub-witness = Saksi
hub-witness-ok = { $who } telah menandatangani balas { $size } peristiwa
hub-witness-behind = { $who } ketinggalan { $n } peristiwa
hub-witness-none = Belum ada saksi.
hub-log = Log
hub-log-size = { $size } peristiwa, epok { $epoch }
hub-log-unsequenced = { $n ->
    [0] semua peristiwa bernombor
   *[other] { $n } peristiwa belum bernombor
}
hub-holds = Apa yang terhenti
hub-holds-none = Tiada yang terhenti.
hub-holds-field = Sebab
hub-holds-who = Siapa bertindak
hub-holds-count = Dagangan
hub-refusals = Ditolak dalam 30 hari lepas
hub-refusals-none = Tiada yang ditolak.
hub-refusals-what = Arahan
hub-refusals-count = Kali
hub-refusals-note = Berapa kali ia dinyatakan. Permintaan sama yang dihantar semula dikira semula.
hub-balls = Siapa memegang bola
hub-stages = Dagangan mengikut peringkat
hub-clock = Masa perniagaan
hub-clock-now = Sekarang { $now }.
hub-clock-move = Majukan
hub-clock-note = Tarikh akhir dan tempoh tuntutan turut bergerak. Semua hab di laluan ini juga. Ia tidak boleh berundur.
hub-clock-to = Ke
hub-clock-day = 1 hari
hub-clock-week = 1 minggu
hub-clock-claim = 14 hari
hub-clock-production = Dalam produksi, masa perniagaan ialah masa sebenar.
hub-funnel = Daripada pendaftaran hingga eksport berulang
hub-funnel-signed = Penjual berdaftar
hub-funnel-product = dengan produk
hub-funnel-ready = dengan produk sedia dijual
hub-funnel-order = dengan pesanan
hub-funnel-exported = dengan eksport
hub-funnel-paid = telah dibayar
hub-funnel-repeat = dibayar lebih daripada sekali
hub-events = Peristiwa terkini
hub-rules = Peraturan yang digunakan
hub-bank = Akaun bank
hub-bank-held = Wang berada di { $firm }, akaun { $account }.
problem-not-a-time = { $got } bukan tarikh. Tulis seperti 2026-12-01.
hub-road-silent = tiada jawapan { $n } kali
problem-log-not-ready = Log belum ditandatangani sejauh itu. Cuba lagi sebentar.
problem-view-not-yours = Paparan ini untuk pihak lain.
