log-title = Log
log-intro = Setiap peristiwa disimpan selama-lamanya dan dinomborkan tanpa jurang. Kepala log ditandatangani hab ini dan ditandatangani balas oleh hab rakan, supaya tiada siapa boleh menulis semula apa yang berlaku.
log-checkpoint = Titik semak
log-none = Belum ada yang ditandatangani.
log-tiles = Cincangan pokok adalah awam, dalam jubin. Entri tidak: ia mungkin mengandungi data perniagaan. Fail dagangan memuatkan bukti peristiwanya sendiri.
log-witnesses = Ditandatangani balas oleh
