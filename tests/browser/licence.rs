//! An e-licence in people's hands: prepared, issued, printed, proven offline, and revoked for everybody to see.

use crate::browser::Browser;
use crate::harness::{City, Examples, mulu};

#[test]
fn a_licence_is_printed_proven_without_its_issuer_and_refused_once_it_is_revoked() {
    let (city, browser, other) = (City::of_three("housing"), Browser::start(), Browser::start());
    let clerk = browser.tab(&city, "housing");
    clerk.sign_in(&city, "housing", "clerk1");
    clerk.open("/certificates");
    clerk.go("Prepare: Certificate of Rental Filing");
    for (field, value) in [
        ("holder_name", "沈若溪"),
        ("holder_code", "110101199003070012"),
        ("field-address", "西城区百万庄北里14号"),
        ("field-landlord", "周明远"),
        ("field-lease_from", "2026-12-01"),
        ("field-lease_until", "2030-11-30"),
        ("field-rooms", "2"),
    ] {
        clerk.fill(field, value);
    }
    clerk.go("Send to the reviewer");
    clerk.sees("check character");
    clerk.fill("holder_code", &Examples::get().buyer_id_number);
    clerk.go("Send to the reviewer");
    clerk.sees("Another person must issue it.");
    clerk.sees_no("Issue the e-licence");
    clerk.is_quiet();

    let reviewer = other.tab(&city, "housing");
    reviewer.sign_in(&city, "housing", "reviewer1");
    reviewer.open("/certificates");
    reviewer.go("Certificate of Rental Filing");
    reviewer.go("Issue the e-licence");
    reviewer.sees("The e-licence is issued.");
    let identifier = reviewer.path().rsplit('/').next().unwrap().to_owned();
    let link = reviewer.first_link("/certificates/1.");
    assert!(link.ends_with("/paper"), "{link}");
    let paper = reviewer.download(&link);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("licence.pdf");
    std::fs::write(&file, &paper).unwrap();
    let trust = city.dir().join("trust.toml");
    let prove = || mulu(&["certificate", "verify", file.to_str().unwrap(), "--policy", trust.to_str().unwrap()]).ok();
    assert!(prove().contains(&identifier));

    let public = browser.tab(&city, "audit");
    public.open(&format!("/verify/{identifier}?lang=en"));
    public.sees("Genuine and valid");
    public.sees_no("沈若溪");
    public.upload("file", "licence.pdf", &paper);
    public.go("Check the file");
    public.sees("The copy is genuine");
    public.sees_no("沈若溪");
    reviewer.open(&format!("/certificates/{identifier}"));
    reviewer.fill("status", "revoked");
    reviewer.fill("reason", "骗取登记");
    reviewer.go("Change the status");
    reviewer.sees("The status of the e-licence is changed.");
    crate::harness::eventually("the public page refuses it", || {
        public.open(&format!("/verify/{identifier}?lang=en"));
        public.text().contains("not valid now")
    });
    public.is_quiet();

    city.stop("housing");
    assert!(prove().contains("It is not proven that it is still in force"));
    public.open(&format!("/verify/{identifier}?lang=en"));
    public.sees("not valid now");
}
