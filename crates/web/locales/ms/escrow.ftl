escrow-accept = Barang baik, bayar penjual
escrow-accept-note = Selepas ini wang tidak dapat dipanggil balik melalui hab.
escrow-window = Anda boleh menuntut hingga { $when }.
escrow-accepted = Terima kasih. Wang telah dilepaskan.
problem-not-the-buyer = Hanya pembeli boleh mengesahkan barang.
problem-not-delivered = Barang belum dihantar.
problem-nothing-held = Tiada wang dipegang: eskrow { $state }.
problem-claim-window-open = Pembeli masih boleh menuntut hingga { $until }.
