//! The projection's tables, as `migrations/projection` and `migrations/projection-postgres` make them.

diesel::table! {
    position (id) {
        id -> Integer,
        chain -> Text,
        scope -> Text,
        height -> BigInt,
        size -> BigInt,
        time -> BigInt,
        digest -> Binary,
    }
}

diesel::table! {
    blocks (height) {
        height -> BigInt,
        time -> BigInt,
        first_index -> BigInt,
        transactions -> BigInt,
        refused -> BigInt,
    }
}

diesel::table! {
    transactions (idx) {
        idx -> BigInt,
        id -> Nullable<Text>,
        height -> BigInt,
        time -> BigInt,
        department -> Nullable<Text>,
        actor_user -> Nullable<Text>,
        actor_role -> Nullable<Text>,
        kind -> Nullable<Text>,
        refusal_code -> Nullable<Text>,
        refusal_text -> Nullable<Text>,
        reference -> Nullable<Text>,
        bytes -> BigInt,
    }
}

diesel::table! {
    entries (name) {
        name -> Text,
        provider -> Text,
        sharing -> Text,
        level -> Text,
        state -> Text,
        version -> Text,
        updated_index -> BigInt,
        search_text -> Text,
        summary -> Text,
        ending -> Nullable<Text>,
        class -> Text,
        category -> Text,
        topic -> Text,
        detail -> Text,
        grade -> Integer,
        update_cycle -> Text,
    }
}

diesel::table! {
    entry_versions (name, version) {
        name -> Text,
        version -> Text,
        idx -> BigInt,
        publication -> Text,
        doc -> Text,
    }
}

diesel::table! {
    grant_members (grant_id, department) {
        grant_id -> Text,
        department -> Text,
    }
}

diesel::table! {
    grants (id) {
        id -> Text,
        requested_index -> BigInt,
        consumer -> Text,
        provider -> Text,
        entry -> Text,
        state -> Text,
        valid_until -> BigInt,
        doc -> Text,
        due -> Nullable<Text>,
        due_from -> Nullable<BigInt>,
    }
}

diesel::table! {
    accesses (pos) {
        pos -> BigInt,
        access_id -> Text,
        time -> BigInt,
        consumer -> Text,
        provider -> Text,
        entry -> Text,
        grant_id -> Nullable<Text>,
        case_id -> Nullable<Text>,
        decision -> Text,
        subject_key -> Nullable<Binary>,
        tx_id -> Text,
        height -> BigInt,
        doc -> Text,
        actor -> Text,
    }
}

diesel::table! {
    access_pairs (day, consumer, provider, decision) {
        day -> BigInt,
        consumer -> Text,
        provider -> Text,
        decision -> Text,
        accesses -> BigInt,
    }
}

diesel::table! {
    access_reasons (day, reason) {
        day -> BigInt,
        reason -> Text,
        accesses -> BigInt,
    }
}

diesel::table! {
    access_actors (day, consumer, actor) {
        day -> BigInt,
        consumer -> Text,
        actor -> Text,
        accesses -> BigInt,
    }
}

diesel::table! {
    access_days (day, decision) {
        day -> BigInt,
        decision -> Text,
        accesses -> BigInt,
    }
}

diesel::table! {
    findings (pos) {
        pos -> BigInt,
        access_id -> Text,
        consumer -> Text,
        provider -> Text,
        problem -> Text,
        time -> BigInt,
        promised -> Nullable<Text>,
        resolved_index -> Nullable<BigInt>,
        doc -> Text,
    }
}

diesel::table! {
    certificates (identifier) {
        identifier -> Text,
        issued_index -> BigInt,
        issuer -> Text,
        status -> Text,
        case_id -> Nullable<Text>,
        kind -> Nullable<Text>,
        valid_to -> Nullable<Text>,
        doc -> Text,
    }
}

diesel::table! {
    cases (id) {
        id -> Text,
        opened_index -> BigInt,
        owner -> Text,
        state -> Text,
        doc -> Text,
        workflow -> Text,
        opened_at -> BigInt,
        days -> Nullable<Integer>,
    }
}

diesel::table! {
    case_events (case_id, idx) {
        case_id -> Text,
        idx -> BigInt,
        doc -> Text,
    }
}

diesel::table! {
    case_sign_offs (case_id, step) {
        case_id -> Text,
        step -> Text,
        department -> Text,
        agreed -> Nullable<Bool>,
        due_from -> Nullable<BigInt>,
        days -> Nullable<Integer>,
    }
}

diesel::joinable!(case_sign_offs -> cases (case_id));
diesel::allow_tables_to_appear_in_same_query!(cases, case_sign_offs);
diesel::allow_tables_to_appear_in_same_query!(grant_members, grants);
