//! Words from which persons, roads and firms are made up. Whoever bears such a name is not meant.

/// A district: its code (GB/T 2260) and name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct District {
    /// Six digits.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
}

const fn district(code: &'static str, name: &'static str) -> District {
    District { code, name }
}

/// The districts; the worked example lies in the first two.
pub const DISTRICTS: [District; 16] = [
    district("110105", "朝阳区"),
    district("110108", "海淀区"),
    district("110101", "东城区"),
    district("110102", "西城区"),
    district("110106", "丰台区"),
    district("110107", "石景山区"),
    district("110109", "门头沟区"),
    district("110111", "房山区"),
    district("110112", "通州区"),
    district("110113", "顺义区"),
    district("110114", "昌平区"),
    district("110115", "大兴区"),
    district("110116", "怀柔区"),
    district("110117", "平谷区"),
    district("110118", "密云区"),
    district("110119", "延庆区"),
];

/// Roads, in every district the same invented ones.
pub const ROADS: [&str; 12] = [
    "杏荫路",
    "听溪街",
    "望湖路",
    "青禾街",
    "云杉路",
    "柏舟路",
    "松涧街",
    "晴岚路",
    "麦田街",
    "鹤鸣路",
    "星桥街",
    "竹里路",
];

/// Surnames.
pub const SURNAMES: [&str; 48] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹", "袁", "邓", "许", "傅", "沈", "曾",
    "彭", "吕", "苏", "卢", "蒋", "蔡", "贾", "丁", "欧阳", "上官",
];

/// Characters of men's given names.
pub const MALE: [&str; 36] = [
    "伟", "强", "磊", "军", "勇", "涛", "明", "超", "刚", "平", "辉", "鹏", "杰", "浩", "宇", "轩", "博", "文", "志",
    "建", "国", "海", "峰", "凯", "远", "航", "然", "睿", "泽", "晨", "景", "言", "安", "承", "书", "亦",
];

/// Characters of women's given names.
pub const FEMALE: [&str; 36] = [
    "芳", "娜", "敏", "静", "丽", "艳", "娟", "霞", "秀", "玲", "燕", "红", "梅", "琳", "雪", "婷", "慧", "莹", "倩",
    "欣", "怡", "佳", "宁", "若", "溪", "语", "桐", "思", "雨", "萱", "清", "禾", "晴", "岚", "书", "安",
];

/// Ethnic groups, the largest first.
pub const ETHNICITIES: [&str; 4] = ["汉族", "满族", "回族", "蒙古族"];

/// Halves of firms' names.
pub const BRANDS: [&str; 34] = [
    "青禾", "云杉", "柏舟", "松涧", "晴岚", "麦田", "鹤鸣", "星桥", "竹里", "听溪", "望湖", "杏荫", "石桥", "南枝",
    "北辰", "远帆", "春和", "景明", "安澜", "知行", "致远", "同心", "百川", "千峰", "万象", "新程", "启明", "长风",
    "暖阳", "清泉", "金穗", "银杏", "红枫", "白鹭",
];

/// Industries (GB/T 4754): code, name, word in a firm's name, scope.
pub const INDUSTRIES: [(&str, &str, &str, &str); 10] = [
    ("6513", "应用软件开发", "软件", "软件开发；信息系统集成服务；技术咨询"),
    ("5211", "百货零售", "商贸", "日用百货销售；服装鞋帽零售；互联网销售"),
    ("6210", "正餐服务", "餐饮", "餐饮服务；食品销售；外卖递送服务"),
    ("4710", "住宅房屋建筑", "建筑工程", "房屋建筑施工；建筑装饰装修；工程管理服务"),
    ("7020", "物业管理", "物业", "物业管理；停车场服务；保洁服务"),
    ("5431", "普通货物道路运输", "物流", "道路货物运输；仓储服务；装卸搬运"),
    ("7320", "工程和技术研究和试验发展", "科技", "技术开发；技术转让；工程技术研究"),
    ("5255", "图书报刊零售", "文化", "图书零售；文化艺术交流活动组织；会议服务"),
    ("7249", "其他专业咨询与调查", "咨询", "企业管理咨询；市场调查；社会经济咨询服务"),
    ("8010", "居民服务", "家政", "家庭服务；养老服务；母婴生活护理"),
];
