//! The clerk's story: draft an entry, ask for a grant, handle a case, over several departments.

use crate::browser::Browser;
use crate::harness::{City, Examples};
use crate::tab::Tab;

const ENTRY: &str = "/catalog/civil-affairs/adoption-registration";

/// Fills what an entry needs.
fn draft(tab: &Tab<'_>) {
    for (field, value) in [
        ("name", "adoption-registration"),
        ("code", "303002001/000001"),
        ("title_zh", "收养登记信息"),
        ("title_en", "Adoption registration"),
        ("summary_zh", "本市收养登记"),
        ("summary_en", "Adoptions registered in the city"),
        ("class_zh", "部门信息资源"),
        ("class_en", "Departmental data"),
        ("category_zh", "民政"),
        ("category_en", "Civil affairs"),
        ("topic_zh", "收养"),
        ("topic_en", "Adoption"),
        ("detail_zh", "收养登记"),
        ("detail_en", "Registration"),
        ("duty_zh", "办理收养登记"),
        ("duty_en", "Registers adoptions"),
        ("condition_zh", "履行法定职责"),
        ("condition_en", "Statutory duties"),
        ("param-0-name", "id_number"),
        ("param-0-format", "id_number"),
        ("param-0-title", "公民身份号码"),
        ("subject", "id_number"),
        ("item-0-name", "name"),
        ("item-0-title_zh", "姓名"),
        ("item-0-title_en", "Name"),
        ("item-0-length", "50"),
        ("item-0-grade", "3"),
        ("item-0-masking", "name"),
    ] {
        tab.fill(field, value);
    }
}

#[test]
fn a_clerk_drafts_an_entry_a_reviewer_approves_it_and_another_department_gets_a_grant() {
    let (city, browser) = (City::shared(), Browser::start());
    let clerk = browser.tab(city, "civil-affairs");
    clerk.open("/drafts");
    assert_eq!(clerk.path(), "/sign-in?next=%2Fdrafts", "nobody gets in without signing in");
    clerk.open("/sign-in?next=%2Fdrafts&lang=en");
    clerk.fill("user", "clerk1");
    clerk.fill("password", "not the password");
    clerk.go("Sign in");
    clerk.sees("The user name or the password is wrong");
    clerk.fill("user", "clerk1");
    clerk.fill("password", city.password("civil-affairs", "clerk1"));
    clerk.go("Sign in");
    assert_eq!(clerk.path(), "/drafts");
    clerk.sees("Your department has no drafts at the moment.");
    clerk.go("中文");
    clerk.sees("目录编制");
    clerk.go("English");

    clerk.go("Draft an entry");
    draft(&clerk);
    clerk.fill("version", "one");
    clerk.go("Save the draft");
    clerk.sees("Version: write major.minor, such as 1.0.");
    clerk.fill("version", "1.0");
    clerk.go("Save the draft");
    clerk.sees("The draft is saved.");
    clerk.go("Submit for review");
    clerk.sees("The draft is submitted; another person must approve it.");
    clerk.sees_no("Approve and publish");
    clerk.is_quiet();

    let other = Browser::start();
    let reviewer = other.tab(city, "civil-affairs");
    reviewer.sign_in(city, "civil-affairs", "reviewer1");
    reviewer.sees("1 drafts to approve");
    reviewer.go("Adoption registration");
    reviewer.go("Approve and publish");
    reviewer.sees("Approved: the entry is published on the ledger.");
    assert_eq!(reviewer.path(), ENTRY);

    // Another department's node shows it, and another session of the same browser does not disturb this one.
    let police = browser.tab(city, "public-security");
    police.sign_in(city, "public-security", "clerk1");
    police.open(ENTRY);
    police.sees("Adoption registration");
    police.go("Request a grant");
    police.fill("purpose", "household-transfer");
    police.fill("matter", "户口迁移");
    police.fill("legal_basis", "《户口登记条例》第十条");
    police.go("Send the request");
    police.sees("choose or fill in at least one");
    police.tick("items", "name");
    police.go("Send the request");
    police.sees("The request is sent; the provider decides.");
    let grant = police.path();
    police.is_quiet();

    reviewer.open("/");
    reviewer.sees("1 grant requests to decide");
    reviewer.open(&grant);
    reviewer.fill("daily_max", "999999");
    reviewer.go("Approve");
    reviewer.sees("is more than was asked for");
    reviewer.fill("daily_max", "20");
    reviewer.go("Approve");
    reviewer.sees("The grant is approved and in force.");
    reviewer.is_quiet();
    police.open(&grant);
    police.sees("Active");
    clerk.open("/");
    clerk.sees("Welcome, clerk1");
}

#[test]
fn a_home_changes_hands_in_one_visit_and_anybody_can_verify_the_licence() {
    let (city, browser) = (City::shared(), Browser::start());
    let examples = Examples::get();
    let clerk = browser.tab(city, "planning-resources");
    clerk.sign_in(city, "planning-resources", "clerk1");
    clerk.open("/cases");
    clerk.go("Start: Real-estate transfer registration");
    clerk.fill("param-seller_id_number", &examples.seller_id_number);
    clerk.fill("param-buyer_id_number", "110108199203219007");
    clerk.fill("param-unit_number", &examples.unit_number);
    clerk.go("Open the case and pull the data");
    clerk.sees("its check character does not fit");
    clerk.fill("param-buyer_id_number", &examples.buyer_id_number);
    clerk.go("Open the case and pull the data");
    clerk.sees("The case is open and its data pulled.");
    clerk.sees("周明远");
    let case = clerk.path();

    for department in ["housing", "tax"] {
        let signer = browser.tab(city, department);
        signer.sign_in(city, department, "reviewer1");
        signer.open(&case);
        signer.sees("周明远");
        signer.tick("agreed", "yes");
        signer.go("Sign off");
        signer.sees("Your department's word is given.");
        signer.is_quiet();
    }
    clerk.open(&case);
    clerk.sees("All agreed");
    clerk.sees_no("Issue the e-licence");
    clerk.is_quiet();

    let other = Browser::start();
    let reviewer = other.tab(city, "planning-resources");
    reviewer.sign_in(city, "planning-resources", "reviewer1");
    reviewer.open(&case);
    reviewer.go("Issue the e-licence");
    reviewer.sees("The e-licence is issued.");
    let identifier = reviewer.path().rsplit('/').next().unwrap().to_owned();
    reviewer.is_quiet();

    let public = other.tab(city, "transport");
    public.open("/verify?lang=en");
    public.fill("identifier", &identifier);
    public.go("Verify");
    public.sees("Genuine and valid");
    public.sees("Real-estate title certificate");
    public.sees_no(&examples.buyer_id_number);
    public.is_quiet();
}
