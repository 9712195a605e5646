//! A masking of one's own in a form: how many characters stay at both ends, and what stands for the others.
#![expect(missing_docs, reason = "a field of a view is named after its place on the page")]

/// The word in a form's list that the numbers beside it belong to.
const OWN: &str = "keep";
const USUAL_SIGN: &str = "*";

/// What stands beside the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub own: bool,
    pub first: String,
    pub last: String,
    pub sign: String,
}

/// What `keep_FIRST_LAST` or `keep_FIRST_LAST_SIGN` says; nothing for another masking.
pub fn kept(masking: &str) -> Kept {
    let Some(rest) = masking.strip_prefix("keep_") else { return Kept::default() };
    let mut parts = rest.splitn(3, '_');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    Kept { own: true, first: next(), last: next(), sign: next() }
}

/// The masking that a form says: the chosen word, or one's own.
pub fn chosen(word: &str, first: &str, last: &str, sign: &str) -> String {
    match (word, sign) {
        (OWN, "" | USUAL_SIGN) => format!("keep_{first}_{last}"),
        (OWN, sign) => format!("keep_{first}_{last}_{sign}"),
        (word, _) => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::Masking;

    #[test]
    fn what_a_form_shows_is_what_it_says() {
        for word in ["keep_3_4", "keep_0_2_#", "keep_1_1__", "phone", ""] {
            let Kept { own, first, last, sign } = kept(word);
            assert_eq!(chosen(if own { OWN } else { word }, &first, &last, &sign), word);
        }
        assert_eq!(chosen(OWN, "3", "4", "*").parse::<Masking>(), Ok(Masking::Keep { first: 3, last: 4, sign: '*' }));
        assert!(chosen(OWN, "", "x", "").parse::<Masking>().is_err());
    }
}
