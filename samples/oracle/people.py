"""The invented buyers: persons and firms in China and in Malaysia. Every number is one that nobody has."""

from draw import SEED, Draw

PERSONS = {"my-cn": [f"b{n:03d}" for n in range(1, 161)], "cn-my": [f"y{n:03d}" for n in range(1, 151)]}
FIRMS = {"my-cn": [f"c{n:02d}" for n in range(1, 13)], "cn-my": [f"m{n:02d}" for n in range(1, 13)]}
UNVERIFIED = {"my-cn": ("b158", "b159"), "cn-my": ("y148", "y149")}
BIG_SPENDERS = ("b151", "b152", "b153")

SURNAMES = [("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("杨", "Yang"),
            ("赵", "Zhao"), ("黄", "Huang"), ("周", "Zhou"), ("吴", "Wu"), ("徐", "Xu"), ("孙", "Sun"),
            ("胡", "Hu"), ("朱", "Zhu"), ("高", "Gao"), ("林", "Lin")]
CITIES = [("浙江省", "杭州市", "Hangzhou"), ("浙江省", "宁波市", "Ningbo"), ("浙江省", "金华市", "Jinhua"),
          ("江苏省", "南京市", "Nanjing"), ("江苏省", "苏州市", "Suzhou"), ("广东省", "广州市", "Guangzhou"),
          ("广东省", "深圳市", "Shenzhen"), ("福建省", "厦门市", "Xiamen"), ("四川省", "成都市", "Chengdu"),
          ("湖北省", "武汉市", "Wuhan"), ("湖南省", "长沙市", "Changsha"), ("陕西省", "西安市", "Xi'an"),
          ("山东省", "青岛市", "Qingdao"), ("辽宁省", "大连市", "Dalian"), ("云南省", "昆明市", "Kunming"),
          ("河南省", "郑州市", "Zhengzhou")]
GIVEN_NAMES = ["Aisyah", "Tan", "Kavita", "Farid", "Lim", "Siti", "Wong", "Ravi", "Nur", "Jugah", "Chong", "Mei"]
TOWNS = [("Shah Alam", "Selangor"), ("George Town", "Pulau Pinang"), ("Johor Bahru", "Johor"), ("Ipoh", "Perak"),
         ("Kuching", "Sarawak"), ("Kota Kinabalu", "Sabah"), ("Melaka", "Melaka"), ("Kota Bharu", "Kelantan"),
         ("Seremban", "Negeri Sembilan"), ("Kuantan", "Pahang")]


def chinese_id(draw, serial):
    """An identity number of a region that does not exist (999999), with its check digit, never X."""
    while True:
        first = f"999999{1960 + draw.below(45)}{1 + draw.below(12):02d}{1 + draw.below(28):02d}{serial % 1000:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        check = "10X98765432"[sum(int(d) * w for d, w in zip(first, weights)) % 11]
        if check != "X":
            return first + check


def malaysian_id(draw, serial):
    """Twelve digits as on an identity card, with the place of birth 00, which does not exist."""
    return f"{60 + draw.below(40)}{1 + draw.below(12):02d}{1 + draw.below(28):02d}00{serial:04d}"


def chinese_firm_no(serial):
    """A unified social credit code of a region that does not exist (999999), with its check character."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    first = f"91999999MA{serial:07d}"
    check = -sum(signs.index(c) * pow(3, i, 31) for i, c in enumerate(first)) % 31
    return first + signs[check]


def malaysian_firm_no(serial):
    """Twelve digits as the registrar gives them, of a year that has not come."""
    return f"209901{serial:06d}"


def person_in_china(draw, n, name):
    surname, latin = SURNAMES[(n - 1) % len(SURNAMES)]
    province, city, city_latin = draw.one(CITIES)
    house, flat = 1 + draw.below(200), 101 + draw.below(30) * 100 % 2900
    return {
        "id": name, "kind": "person", "country": "CN",
        "name": f"{surname}测试{n:03d}", "name_latin": f"{latin} Ceshi {n:03d}",
        "phone": f"10000000{n:03d}",
        "address": f"{province}{city}示例区测试路{house}号{flat}室",
        "address_latin": f"Room {flat}, {house} Ceshi Road, Shili District, {city_latin}, China",
        "id_type": "1", "id_number": chinese_id(draw, n), "verified": name not in UNVERIFIED["my-cn"],
    }


def person_in_malaysia(draw, n, name):
    given = GIVEN_NAMES[(n - 1) % len(GIVEN_NAMES)]
    town, state = draw.one(TOWNS)
    address = f"{1 + draw.below(200)}, Jalan Ujian {1 + draw.below(30)}, Taman Contoh, 00000 {town}, {state}"
    return {
        "id": name, "kind": "person", "country": "MY",
        "name": f"{given} Ujian {n:03d}", "name_latin": f"{given} Ujian {n:03d}",
        "phone": f"0000000{n:03d}",
        "address": address, "address_latin": f"{address}, Malaysia",
        "id_type": "1", "id_number": malaysian_id(draw, n), "verified": name not in UNVERIFIED["cn-my"],
    }


def firm(way, draw, n, name):
    if way == "my-cn":
        province, city, latin = draw.one(CITIES)
        names = f"{city.removesuffix('市')}示例{n:02d}号商贸有限公司", f"{latin} Shili {n:02d} Trading"
        address = f"{province}{city}示例区测试路{1 + draw.below(200)}号"
        country, number, phone = "CN", chinese_firm_no(n), f"10000001{n:03d}"
    else:
        town, state = draw.one(TOWNS)
        names = (f"Contoh {n:02d} {town} Sdn. Bhd.",) * 2
        address = f"Lot {1 + draw.below(90)}, Jalan Ujian {1 + draw.below(30)}, 00000 {town}, {state}"
        country, number, phone = "MY", malaysian_firm_no(n), f"0000001{n:03d}"
    return {"id": name, "kind": "business", "country": country, "name": names[0], "name_latin": names[1],
            "phone": phone, "address": address, "address_latin": address if country == "MY" else f"{names[1]}, China",
            "id_type": "business", "id_number": number, "verified": True}


def buyers():
    """Persons in China, persons in Malaysia, then the firms."""
    china, malaysia, firms = (Draw(f"{SEED} {part}") for part in ("buyers", "buyers in malaysia", "firms"))
    return [
        *(person_in_china(china, n, name) for n, name in enumerate(PERSONS["my-cn"], 1)),
        *(person_in_malaysia(malaysia, n, name) for n, name in enumerate(PERSONS["cn-my"], 1)),
        *(firm(way, firms, n, name) for way in FIRMS for n, name in enumerate(FIRMS[way], 1)),
    ]
