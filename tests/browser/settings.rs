//! What an administrator sets: seen by everybody at once, also by who is not signed in, in both languages and by every eye.

use crate::browser::Browser;
use crate::eyes::LOOKS;
use crate::harness::City;

const NOTICE: &str = "Closed on Saturday <b>from nine</b>";

#[test]
fn an_administrator_sets_a_notice_a_contact_and_a_stricter_rule() {
    let city = City::of_three("civil-affairs");
    let (browser, other) = (Browser::start(), Browser::start());
    let admin = browser.tab(&city, "civil-affairs");
    let guest = other.tab(&city, "civil-affairs").with_axe();
    admin.sign_in(&city, "civil-affairs", "admin1");
    admin.open("/admin/settings");
    admin.fill("notice_en", NOTICE);
    admin.go("Save the settings");
    admin.sees("Notice, in Chinese: must be filled in.");
    admin.fill("notice_zh", "周六九点起停办");
    admin.fill("desk_zh", "数据共享服务台");
    admin.fill("desk_en", "Data sharing desk");
    admin.fill("telephone", "010-5555 0100");
    admin.go("Save the settings");
    admin.sees("The settings are saved and in force.");
    admin.sees(NOTICE);

    guest.open("/sign-in?lang=en");
    guest.sees(NOTICE);
    guest.sees("Questions: Data sharing desk 010-5555 0100");
    guest.open("/sign-in?lang=zh");
    guest.sees("周六九点起停办");
    guest.sees("咨询：数据共享服务台");
    for look in LOOKS {
        let faults = guest.faults("/sign-in", look);
        assert!(faults.is_empty(), "{look:?}: {faults:?}");
    }

    // Somebody else sets something while the form lies open.
    let late = browser.tab(&city, "civil-affairs");
    late.open("/admin/settings?lang=en");
    admin.open("/admin/settings");
    admin.fill("idle", "20");
    admin.go("Save the settings");
    admin.sees("The settings are saved and in force.");
    late.fill("notice_en", "Lost");
    late.go("Save the settings");
    late.sees("Somebody changed it meanwhile");
    late.sees_no("Lost");
    admin.open("/admin/log?kind=settings_changed");
    admin.sees("30 → 20");

    admin.open("/admin/settings");
    admin.fill("second_factor", "required");
    admin.go("Save the settings");
    admin.sees("Your department wants reviewers and administrators to have it.");
    assert_eq!(admin.path(), "/account", "who has no second factor is led to setting it up");
    admin.is_quiet();
}
