### What an action did, and what is wrong with a field

colon = { ": " }
flash-draft_saved = The draft is saved.
flash-draft_submitted = The draft is submitted; another person must approve it.
flash-draft_approved = Approved: the entry is published on the ledger.
flash-draft_rejected = The draft went back to its drafter.
flash-entry_deprecated = The entry is deprecated.
flash-entry_withdrawn = The entry is withdrawn.
flash-grant_requested = The request is sent; the provider decides.
flash-grant_approved = The grant is approved and in force.
flash-grant_denied = The request is denied.
flash-grant_revoked = The grant is revoked, as of now.
flash-case_opened = The case is open and its data pulled.
flash-case_signed = Your department's word is given.
flash-certificate_issued = The e-licence is issued.
flash-certificate_changed = The status of the e-licence is changed.
flash-signed_out = You are signed out.

fault-required = must be filled in.
fault-too_long = is too long.
fault-bad_name = use lower-case letters, digits and hyphens (underscores for items), beginning with a letter.
fault-bad_version = write major.minor, such as 1.0.
fault-bad_date = write a day such as 2026-01-31.
fault-past_date = is over; choose a later day.
fault-bad_number = write a whole number.
fault-bad_hours = write full hours from 0 to 24, the first before the second.
fault-bad_code = is not a code.
fault-bad_digest = write 64 hexadecimal digits.
fault-bad_scope = write one parameter or item a line, such as district = Haidian, Dongcheng.
fault-bad_entry = write department/name.
fault-no_items = choose or fill in at least one.
fault-repeated = is there twice.
fault-wider = is more than was asked for.
fault-not_offered = is not on offer.
fault-bad_value = is not acceptable: check its form and check digit.
fault-need_grant = there is no grant; request one first.
flash-members_changed = The change is on the ledger and made.
flash-members_changing = The change is on the ledger; below stands what it waits for.
flash-keys_rotated = New keys are on the ledger; the old signing key ends in ten minutes.
flash-key_revoked = The key is revoked.
fault-bad_parent = must be a published entry of the level above.
fault-bad_range = write min..max, either may be left out; only for numbers and dates.
fault-number_untold = is a number: say what it means, or write the word.
