//! One schema for both databases. Kept by hand beside the migrations; a test holds the two against each other.

diesel::table! {
    book (id) {
        id -> BigInt,
        slug -> Text,
        title -> Text,
        sort_title -> Text,
        subtitle -> Text,
        description_md -> Text,
        language -> Text,
        isbn -> Nullable<Text>,
        publisher -> Text,
        published_on -> Nullable<Date>,
        tax_code -> Text,
        status -> Text,
        cover_key -> Nullable<Text>,
        accent -> Text,
        version -> BigInt,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        tax_code_refused_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    book_price (book_id, currency) {
        book_id -> BigInt,
        currency -> Text,
        unit_amount -> BigInt,
    }
}

diesel::table! {
    contributor (book_id, position) {
        book_id -> BigInt,
        position -> Integer,
        name -> Text,
        role -> Text,
    }
}

diesel::table! {
    content (id) {
        id -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    edition (id) {
        id -> BigInt,
        book_id -> BigInt,
        label -> Text,
        changelog -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    book_file (id) {
        id -> BigInt,
        edition_id -> BigInt,
        format -> Text,
        storage_key -> Text,
        sha256 -> Text,
        bytes -> BigInt,
        filename -> Text,
    }
}

diesel::table! {
    checkout (id) {
        id -> BigInt,
        idem_key -> Text,
        cart_snapshot -> Text,
        snapshot_hash -> Text,
        subtotal -> BigInt,
        currency -> Text,
        stripe_session -> Nullable<Text>,
        stripe_url -> Nullable<Text>,
        browser_hash -> Text,
        state -> Text,
        last_error -> Nullable<Text>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        updated_at -> Timestamp,
        decline -> Nullable<Text>,
        tax -> Nullable<Text>,
        reviewed_at -> Nullable<Timestamp>,
        reviewed_by -> Nullable<BigInt>,
    }
}

diesel::table! {
    orders (id) {
        id -> BigInt,
        number -> Text,
        email -> Text,
        email_norm -> Text,
        name -> Nullable<Text>,
        checkout_id -> Nullable<BigInt>,
        stripe_session -> Nullable<Text>,
        stripe_payment_intent -> Nullable<Text>,
        amount_subtotal -> BigInt,
        amount_discount -> BigInt,
        amount_tax -> BigInt,
        amount_total -> BigInt,
        currency -> Text,
        country -> Nullable<Text>,
        status -> Text,
        created_at -> Timestamp,
        paid_at -> Nullable<Timestamp>,
        link_generation -> Integer,
        linked_at -> Nullable<Timestamp>,
        vat_id -> Nullable<Text>,
        vat_id_kind -> Nullable<Text>,
        company -> Nullable<Text>,
        address -> Nullable<Text>,
        tax_country -> Nullable<Text>,
        paid_with -> Nullable<Text>,
        tax_problem -> Nullable<Text>,
        tax_seen_to_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    order_item (id) {
        id -> BigInt,
        order_id -> BigInt,
        book_id -> BigInt,
        position -> Integer,
        title_snapshot -> Text,
        unit_amount -> BigInt,
        discount -> BigInt,
        tax -> BigInt,
        total -> BigInt,
    }
}

diesel::table! {
    entitlement (id) {
        id -> BigInt,
        order_item_id -> BigInt,
        book_id -> BigInt,
        email_norm -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        granted_at -> Timestamp,
        changed_at -> Timestamp,
        desk_renewals -> Integer,
    }
}

diesel::table! {
    order_access (order_id, browser_hash) {
        order_id -> BigInt,
        browser_hash -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    download_token (id) {
        id -> BigInt,
        entitlement_id -> BigInt,
        hash -> Text,
        generation -> Integer,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        max_uses -> Integer,
        used_count -> Integer,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    download_claim (id) {
        id -> BigInt,
        token_id -> BigInt,
        hash -> Text,
        browser_hash -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        format -> Nullable<Text>,
    }
}

diesel::table! {
    download_quota (claim_id, book_file_id) {
        claim_id -> BigInt,
        book_file_id -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    download_log (id) {
        id -> BigInt,
        token_id -> Nullable<BigInt>,
        claim_id -> Nullable<BigInt>,
        book_file_id -> Nullable<BigInt>,
        at -> Timestamp,
        ip_prefix -> Text,
        user_agent -> Text,
        range -> Nullable<Text>,
        status -> Integer,
        bytes -> BigInt,
        reason -> Text,
    }
}

diesel::table! {
    stripe_event (id) {
        id -> Text,
        #[sql_name = "type"]
        type_ -> Text,
        object_id -> Text,
        created -> Timestamp,
        livemode -> Bool,
        body -> Text,
        state -> Text,
        attempts -> Integer,
        received_at -> Timestamp,
        next_at -> Timestamp,
        lease_until -> Nullable<Timestamp>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    invoice_series (series, year) {
        series -> Text,
        year -> Integer,
        next -> BigInt,
    }
}

diesel::table! {
    invoice (id) {
        id -> BigInt,
        kind -> Text,
        series -> Text,
        year -> Integer,
        seq -> BigInt,
        number -> Text,
        order_id -> BigInt,
        corrects_id -> Nullable<BigInt>,
        currency -> Text,
        issued_at -> Timestamp,
        buyer_snapshot -> Text,
        lines_snapshot -> Text,
        pdf_key -> Nullable<Text>,
        reason -> Text,
        refund_id -> Nullable<BigInt>,
        dispute_id -> Nullable<BigInt>,
        amount_total -> BigInt,
        amount_tax -> BigInt,
        seller_snapshot -> Nullable<Text>,
        facts_snapshot -> Nullable<Text>,
        pdf_error -> Nullable<Text>,
    }
}

diesel::table! {
    invoice_logo (key) {
        key -> Text,
        kept_at -> Timestamp,
    }
}

diesel::table! {
    invoice_settings (id) {
        id -> BigInt,
        seller -> Text,
        logo_key -> Nullable<Text>,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    outbox (id) {
        id -> BigInt,
        kind -> Text,
        recipient -> Text,
        order_id -> Nullable<BigInt>,
        payload -> Text,
        dedupe_key -> Text,
        message_id -> Text,
        state -> Text,
        attempts -> Integer,
        created_at -> Timestamp,
        next_at -> Timestamp,
        lease_until -> Nullable<Timestamp>,
        sent_at -> Nullable<Timestamp>,
        error -> Nullable<Text>,
        feedback_at -> Nullable<Timestamp>,
        complained_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    session (id_hash) {
        id_hash -> Text,
        data -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    refund (id) {
        id -> BigInt,
        idem_key -> Nullable<Text>,
        stripe_id -> Nullable<Text>,
        order_id -> BigInt,
        amount -> BigInt,
        tax -> BigInt,
        currency -> Text,
        status -> Text,
        reason -> Nullable<Text>,
        failure_reason -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        settled_at -> Nullable<Timestamp>,
        settled_by -> Nullable<BigInt>,
        settled_note -> Nullable<Text>,
    }
}

diesel::table! {
    refund_item (refund_id, order_item_id) {
        refund_id -> BigInt,
        order_item_id -> BigInt,
        amount -> BigInt,
        tax -> BigInt,
        revokes -> Bool,
    }
}

diesel::table! {
    dispute (id) {
        id -> BigInt,
        stripe_id -> Text,
        order_id -> BigInt,
        amount -> BigInt,
        currency -> Text,
        status -> Text,
        reason -> Text,
        evidence_due_by -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    watermark (name) {
        name -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    difference (id) {
        id -> BigInt,
        kind -> Text,
        object_id -> Text,
        detail -> Text,
        found_at -> Timestamp,
        gone_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    access_request (id) {
        id -> BigInt,
        email_norm -> Text,
        browser_hash -> Text,
        state -> Text,
        link_hash -> Nullable<Text>,
        code_hash -> Nullable<Text>,
        tries -> Integer,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        consumed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    buyer_session (id_hash) {
        id_hash -> Text,
        email_norm -> Text,
        created_at -> Timestamp,
        last_seen -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    users (id) {
        id -> BigInt,
        email -> Text,
        email_norm -> Text,
        role -> Text,
        password_hash -> Nullable<Text>,
        link_generation -> Integer,
        link_hash -> Nullable<Text>,
        link_expires_at -> Nullable<Timestamp>,
        totp_generation -> Integer,
        totp_since -> Nullable<Timestamp>,
        totp_last_step -> Nullable<BigInt>,
        disabled_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    staff_session (id) {
        id -> BigInt,
        user_id -> BigInt,
        kind -> Text,
        hash -> Nullable<Text>,
        ip_prefix -> Text,
        user_agent -> Text,
        tries -> Integer,
        created_at -> Timestamp,
        last_seen -> Timestamp,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    staff_place (user_id, network) {
        user_id -> BigInt,
        network -> Text,
        last_seen -> Timestamp,
    }
}

diesel::table! {
    recovery_code (id) {
        id -> BigInt,
        user_id -> BigInt,
        hash -> Text,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    refresh_token (hash) {
        hash -> Text,
        session_id -> BigInt,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    api_token (id) {
        id -> BigInt,
        user_id -> BigInt,
        name -> Text,
        hash -> Text,
        scopes -> Text,
        created_at -> Timestamp,
        last_used -> Nullable<Timestamp>,
        expires_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    audit (id) {
        id -> BigInt,
        at -> Timestamp,
        actor -> Text,
        user_id -> Nullable<BigInt>,
        action -> Text,
        object -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
    }
}

diesel::table! {
    unfinished (name) {
        name -> Text,
        kind -> Text,
        data -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    withdrawal (id) {
        id -> BigInt,
        order_item_id -> BigInt,
        made_at -> Timestamp,
        lifted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    order_note (id) {
        id -> BigInt,
        order_id -> BigInt,
        user_id -> Nullable<BigInt>,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    gift (order_id) {
        order_id -> BigInt,
        idem_key -> Text,
        made_at -> Timestamp,
    }
}

diesel::table! {
    webhook_endpoint (id) {
        id -> BigInt,
        url -> Text,
        description -> Text,
        events -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        generation -> Integer,
        secret_at -> Timestamp,
        old_until -> Nullable<Timestamp>,
        failing_since -> Nullable<Timestamp>,
        succeeded_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    webhook_message (id) {
        id -> BigInt,
        public_id -> Text,
        #[sql_name = "type"]
        type_ -> Text,
        body -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    webhook_delivery (id) {
        id -> BigInt,
        message_id -> BigInt,
        endpoint_id -> BigInt,
        state -> Text,
        attempts -> Integer,
        next_at -> Timestamp,
        lease_until -> Nullable<Timestamp>,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    webhook_attempt (id) {
        id -> BigInt,
        delivery_id -> BigInt,
        made_at -> Timestamp,
        milliseconds -> Integer,
        status -> Nullable<Integer>,
        answer -> Text,
        error -> Nullable<Text>,
    }
}

diesel::joinable!(webhook_delivery -> webhook_message (message_id));
diesel::joinable!(webhook_delivery -> webhook_endpoint (endpoint_id));
diesel::joinable!(webhook_attempt -> webhook_delivery (delivery_id));

diesel::table! {
    api_once (id) {
        id -> BigInt,
        user_id -> BigInt,
        key_hash -> Text,
        request_hash -> Text,
        name -> Text,
        status -> Nullable<Integer>,
        answer -> Nullable<Text>,
        created_at -> Timestamp,
        lease_until -> Timestamp,
        marked -> Nullable<Text>,
    }
}

diesel::table! {
    tally (dimension, grain, start, currency, key) {
        dimension -> Text,
        grain -> Text,
        start -> Timestamp,
        currency -> Text,
        key -> Text,
        checkouts -> BigInt,
        orders -> BigInt,
        free -> BigInt,
        units -> BigInt,
        gross -> BigInt,
        discount -> BigInt,
        tax -> BigInt,
        refunds -> BigInt,
        refunded -> BigInt,
        refunded_tax -> BigInt,
        disputed -> BigInt,
        fetched -> BigInt,
        downloads -> BigInt,
    }
}

diesel::table! {
    uncounted_claim (claim_id) {
        claim_id -> BigInt,
    }
}

diesel::table! {
    tally_state (id) {
        id -> BigInt,
        zone -> Text,
        filled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    visits (day, step) {
        day -> Date,
        step -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    order_tax (order_item_id, position) {
        order_item_id -> BigInt,
        position -> Integer,
        country -> Text,
        region -> Text,
        name -> Text,
        rate_ppm -> BigInt,
        taxable -> BigInt,
        amount -> BigInt,
        inclusive -> Bool,
        treatment -> Text,
        source -> Text,
    }
}

diesel::table! {
    tax_evidence (order_id, kind) {
        order_id -> BigInt,
        kind -> Text,
        value -> Text,
    }
}

diesel::table! {
    tax_setting (id) {
        id -> BigInt,
        value -> Text,
        changed_at -> Timestamp,
    }
}

diesel::table! {
    tax_rate (country, kind, valid_from) {
        country -> Text,
        kind -> Text,
        valid_from -> Date,
        rate_ppm -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    refused_title (id) {
        id -> BigInt,
        book_id -> BigInt,
        cause -> Text,
        times -> BigInt,
        first_at -> Timestamp,
        last_at -> Timestamp,
    }
}

diesel::joinable!(refused_title -> book (book_id));
diesel::joinable!(order_tax -> order_item (order_item_id));
diesel::joinable!(tax_evidence -> orders (order_id));
diesel::joinable!(withdrawal -> order_item (order_item_id));
diesel::joinable!(order_note -> orders (order_id));
diesel::joinable!(order_note -> users (user_id));
diesel::joinable!(gift -> orders (order_id));
diesel::joinable!(book_price -> book (book_id));
diesel::joinable!(contributor -> book (book_id));
diesel::joinable!(edition -> book (book_id));
diesel::joinable!(book_file -> edition (edition_id));
diesel::joinable!(orders -> checkout (checkout_id));
diesel::joinable!(order_item -> orders (order_id));
diesel::joinable!(order_item -> book (book_id));
diesel::joinable!(entitlement -> order_item (order_item_id));
diesel::joinable!(entitlement -> book (book_id));
diesel::joinable!(order_access -> orders (order_id));
diesel::joinable!(download_token -> entitlement (entitlement_id));
diesel::joinable!(download_claim -> download_token (token_id));
diesel::joinable!(download_quota -> download_claim (claim_id));
diesel::joinable!(download_quota -> book_file (book_file_id));
diesel::joinable!(download_log -> download_token (token_id));
diesel::joinable!(download_log -> download_claim (claim_id));
diesel::joinable!(download_log -> book_file (book_file_id));
diesel::joinable!(invoice -> orders (order_id));
diesel::joinable!(outbox -> orders (order_id));
diesel::joinable!(refund -> orders (order_id));
diesel::joinable!(refund_item -> refund (refund_id));
diesel::joinable!(refund_item -> order_item (order_item_id));
diesel::joinable!(dispute -> orders (order_id));
diesel::joinable!(staff_session -> users (user_id));
diesel::joinable!(staff_place -> users (user_id));
diesel::joinable!(recovery_code -> users (user_id));
diesel::joinable!(refresh_token -> staff_session (session_id));
diesel::joinable!(api_token -> users (user_id));
diesel::joinable!(audit -> users (user_id));
diesel::joinable!(api_once -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    refused_title,
    withdrawal,
    order_note,
    gift,
    content,
    book,
    book_price,
    contributor,
    edition,
    book_file,
    checkout,
    orders,
    order_item,
    entitlement,
    order_access,
    download_token,
    download_claim,
    uncounted_claim,
    download_quota,
    download_log,
    stripe_event,
    invoice_series,
    invoice,
    invoice_logo,
    invoice_settings,
    outbox,
    session,
    refund,
    refund_item,
    dispute,
    watermark,
    difference,
    access_request,
    buyer_session,
    users,
    staff_session,
    staff_place,
    recovery_code,
    refresh_token,
    api_token,
    audit,
    unfinished,
    webhook_endpoint,
    webhook_message,
    webhook_delivery,
    webhook_attempt,
    api_once,
    order_tax,
    tax_evidence,
    tax_setting,
    tax_rate,
);
