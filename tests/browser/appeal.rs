//! A grant's long way: asked for, refused, appealed against, ruled on, and approved at last, over three departments.

use crate::browser::Browser;
use crate::harness::{City, eventually};

#[test]
fn a_refused_grant_is_appealed_against_and_approved_without_scripts() {
    let (city, browser) = (City::shared(), Browser::start());
    // The clerk reads Chinese; nobody runs a script.
    let own = Browser::start();
    let clerk = own.tab(city, "transport").without_scripts();
    clerk.sign_in(city, "transport", "clerk1");
    clerk.go("中文");
    clerk.open("/grants/new?entry=housing/sale-contract");
    clerk.fill("purpose", "data-quality");
    clerk.fill("matter", "停车位权属核对");
    clerk.fill("legal_basis", "《城市停车管理办法》第八条");
    clerk.tick("items", "contract_number");
    clerk.go("提交申请");
    clerk.sees("申请已提交");
    let grant = clerk.path();

    let provider = browser.tab(city, "housing").without_scripts();
    provider.sign_in(city, "housing", "reviewer1");
    eventually("the provider's node knows the request", || {
        provider.open(&grant);
        provider.text().contains("停车位权属核对")
    });
    provider.fill("deny-reason", "The matter is not among the department's duties.");
    provider.go("Deny");
    provider.sees("The request is denied.");

    eventually("the refusal comes to the consumer", || {
        clerk.open(&grant);
        clerk.text().contains("not among the department's duties")
    });
    clerk.fill("appeal-reason", "核对依据见办法第八条。");
    clerk.go("向数据主管部门申诉");
    clerk.sees("申诉已提交");
    clerk.is_quiet();

    let authority = browser.tab(city, "data-bureau").without_scripts();
    authority.sign_in(city, "data-bureau", "reviewer1");
    eventually("the appeal waits for the authority", || {
        authority.open("/grants?side=appeals");
        authority.links_to(&grant)
    });
    authority.open(&grant);
    authority.sees("核对依据见办法第八条。");
    authority.fill("uphold-reason", "The legal basis is sound.");
    authority.go("Uphold the appeal");
    authority.sees("The appeal is upheld");
    authority.is_quiet();

    eventually("the provider decides again", || {
        provider.open(&grant);
        provider.text().contains("The legal basis is sound.")
    });
    provider.fill("daily_max", "10");
    provider.go("Approve");
    provider.sees("The grant is approved and in force.");
    provider.is_quiet();
    eventually("the consumer may query", || {
        clerk.open(&grant);
        clerk.text().contains("生效中")
    });
}
