escrow-accept = Barang baik, bayar penjual
escrow-accept-note = Selepas ini wang tidak dapat dipanggil balik melalui hab.
escrow-window = Anda boleh menuntut hingga { $when }.
escrow-accepted = Terima kasih. Wang telah dilepaskan.
problem-due-differs = Hab rakan melepaskan { $got }, tetapi sebut harga bertandatangan menyatakan { $expected }.
    .fix = Pengendali membandingkan sebut harga bertandatangan dengan mesej rakan.
