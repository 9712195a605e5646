//! A paper holds what its face says, the copy comes back from it, and long ones go on over pages.

use super::super::pdf;
use super::*;

fn text(zh: &str, en: &str) -> Text {
    Text { zh: zh.into(), en: en.into() }
}

fn face(rows: usize) -> Face {
    let row = |n: usize| (text("坐落", "Location"), format!("北京市朝阳区第{n}号，{}", "甲乙丙丁".repeat(12)));
    Face {
        title: text("不动产权证书", "Real-Estate Title Certificate"),
        identifier: "1.2.156.3005.2.11110000Y90000043B001.11110000Y90000043B.20261121A1B2C3D4E5.001.F".into(),
        number: "20261121A1B2C3D4E5".into(),
        issuer: text("市规划和自然资源委员会", "Planning and Natural Resources Commission"),
        issued_on: "2026-11-21".into(),
        valid_from: "2026-11-21".into(),
        valid_to: None,
        sections: vec![Part { title: text("不动产", "Real estate"), rows: (0..rows).map(row).collect() }],
        legal_note: text("颁发此证。", "Issued."),
        verify_url: "https://licences.city.example/verify/1.2.156.3005.2.x".into(),
        digest: "ab".repeat(32),
        ledger_index: 7,
        made_at: [2026, 11, 21, 2, 3, 4],
    }
}

#[test]
fn the_copy_comes_back_from_the_paper() {
    let copy = "{\"证照\":1}".repeat(500).into_bytes();
    let paper = draw(&face(3), copy.clone()).unwrap();
    assert!(pdf::is_pdf(&paper) && paper.len() < 400_000, "{} bytes", paper.len());
    assert_eq!(pdf::copy_in(paper.clone()), Ok(copy));
    // Tagged, with words for its pictures: PDF/A-3a.
    let has = |part: &[u8]| paper.windows(part.len()).any(|window| window == part);
    assert!(has(b"pdfaid:conformance>A<") && has(b"/StructTreeRoot") && has(b"/Figure") && has(b"/H1") && has(b"/Alt"));
    // A paper that was cut or hit gives the copy, an error, or another text that no proof fits; it never ends the program.
    for at in (0..paper.len()).step_by(paper.len() / 60) {
        let mut hit = paper.clone();
        hit[at] ^= 0x55;
        let _ = pdf::copy_in(hit);
        let _ = pdf::copy_in(paper[..at].to_vec());
    }
}

#[test]
fn a_long_face_goes_on_over_pages_and_an_odd_one_fits() {
    let metrics = Metrics::read().unwrap();
    assert_eq!(layout::pages(&metrics, &face(3)).len(), 1);
    let long = layout::pages(&metrics, &face(40));
    assert!(long.len() > 2, "{} pages", long.len());
    for mark in long.iter().flatten() {
        if let Mark::Text { at, size, text, .. } = mark {
            let right = at.0 + metrics.width(text, *size);
            assert!(at.0 >= 40.0 && right <= 560.0 && (60.0..812.0).contains(&at.1), "{text} at {at:?} to {right}");
        }
    }
    let title = text("证".repeat(120).as_str(), "x".repeat(240).as_str());
    let odd = Face { title, issuer: text(&"局".repeat(120), &"y".repeat(240)), ..face(0) };
    assert!(draw(&odd, b"{}".to_vec()).is_ok());
}
