# Ke akaun siapa wang penjual dibayar.
payee-title = Akaun bayaran anda
payee-why = Hasil jualan anda dibayar ke akaun ini. Bayaran yang tertangguh dihantar bersama fail seterusnya ke bank.
payee-holder = Pemegang akaun
payee-holder-hint = Seperti yang ditulis oleh bank anda. Bank di luar China hanya menerima huruf Latin.
payee-save = Simpan
problem-account-number = “{ $got }” bukan nombor akaun: hingga { $max } angka dan huruf, tanpa ruang kosong.
    .fix = Salin nombor atau IBAN daripada penyata bank anda.
problem-holder-name = Nama pemegang melebihi { $max } huruf, atau mengandungi tanda yang tiada pada nama.
    .fix = Beri nama seperti yang tertera pada penyata bank anda.
problem-holder-letters = Bank tidak dapat membaca “{ $character }” dalam “{ $got }”.
    .fix = Beri nama pemegang akaun seperti yang ditulis oleh bank anda, dalam huruf Latin.
payee-none = Anda belum memberikan akaun: hab tidak dapat membayar anda.
payee-unreadable = Bank hab tidak dapat membaca nama pemegang akaun anda: hab tidak dapat membayar anda.
