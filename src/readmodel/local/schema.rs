//! The local tables, as `migrations/local` makes them.

diesel::table! {
    accounts (user) {
        user -> Text,
        display_name -> Text,
        password_hash -> Text,
        roles -> Text,
        lang -> Text,
        created -> BigInt,
        disabled -> Nullable<BigInt>,
        must_change -> Bool,
    }
}

diesel::table! {
    sign_in_failures (user) {
        user -> Text,
        failures -> BigInt,
        last -> BigInt,
        locked_until -> BigInt,
    }
}

diesel::table! {
    sessions (token_hash) {
        token_hash -> Binary,
        user -> Text,
        csrf -> Text,
        created -> BigInt,
        last_seen -> BigInt,
        address -> Nullable<Text>,
    }
}

diesel::table! {
    second_factors (user) {
        user -> Text,
        sealed -> Binary,
        begun -> BigInt,
        confirmed -> Nullable<BigInt>,
        last_step -> BigInt,
    }
}

diesel::table! {
    recovery_codes (code_hash) {
        code_hash -> Binary,
        user -> Text,
    }
}

diesel::table! {
    acts (id) {
        id -> BigInt,
        at -> BigInt,
        kind -> Text,
        user -> Text,
        address -> Nullable<Text>,
        subject -> Text,
        detail -> Text,
        digest -> Binary,
    }
}

diesel::table! {
    tokens (id) {
        id -> BigInt,
        name -> Text,
        token_hash -> Binary,
        created -> BigInt,
        expires -> BigInt,
        submits -> Bool,
        entries -> Text,
        sources -> Text,
        last_used -> Nullable<BigInt>,
        last_from -> Nullable<Text>,
        alarm_at -> Nullable<BigInt>,
        alarm_from -> Nullable<Text>,
    }
}

diesel::table! {
    drafts (name, version) {
        name -> Text,
        version -> Text,
        state -> Text,
        entry -> Text,
        drafted_by -> Text,
        drafted_at -> BigInt,
        submitted_at -> Nullable<BigInt>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        rejected_reason -> Nullable<Text>,
        transaction_id -> Nullable<Text>,
    }
}

diesel::table! {
    case_records (case_id) {
        case_id -> Text,
        params -> Text,
        materials -> Text,
        kept_at -> BigInt,
        salt -> Nullable<Text>,
        running -> Integer,
        notice -> Nullable<Text>,
        corrections -> Nullable<Text>,
        former -> Nullable<Text>,
    }
}

diesel::table! {
    case_pulls (case_id, pull) {
        case_id -> Text,
        pull -> Text,
        attempt -> Integer,
        begun_at -> BigInt,
        open -> Integer,
        problem -> Nullable<Text>,
        material -> Nullable<Text>,
    }
}

diesel::table! {
    case_slips (case_id) {
        case_id -> Text,
        number -> Text,
        code -> Text,
        made_at -> BigInt,
    }
}

diesel::table! {
    case_facts (case_id, step) {
        case_id -> Text,
        step -> Text,
        fact -> Text,
        kept_at -> BigInt,
    }
}

diesel::table! {
    certificate_documents (identifier) {
        identifier -> Text,
        document -> Text,
        salt -> Binary,
        stored_at -> BigInt,
        holder -> Nullable<Text>,
    }
}

diesel::table! {
    certificate_copies (identifier) {
        identifier -> Text,
        json -> Text,
        pdf -> Binary,
        made_at -> BigInt,
    }
}

diesel::table! {
    certificate_preparations (id) {
        id -> Text,
        state -> Text,
        body -> Text,
        prepared_by -> Text,
        prepared_at -> BigInt,
        identifier -> Nullable<Text>,
    }
}

diesel::table! {
    idempotency_keys (scope, key) {
        scope -> Text,
        key -> Text,
        digest -> Binary,
        reserved -> Text,
        begun -> BigInt,
        claimed -> BigInt,
        status -> Nullable<Integer>,
        body -> Nullable<Text>,
    }
}

diesel::table! {
    settings (one) {
        one -> Integer,
        version -> BigInt,
        changed_at -> BigInt,
        changed_by -> Text,
        body -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(accounts, sessions);
