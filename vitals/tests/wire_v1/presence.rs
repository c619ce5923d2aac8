//! The pinned bytes of `status` and `down/receipt`.

/// `status`: the connection stands.
pub(crate) const STATUS_ONLINE: &str = r#"
a4 ; map of 4
  61 76 01 ; v: 1
  63 687562 65 6875622d31 ; hub: "hub-1"
  65 73696e6365 c0 7818 ; since: 0("2026-03-02T08:00:01.500Z")
    323032362d30332d30325430383a30303a30312e3530305a
  65 7374617465 66 6f6e6c696e65 ; state: "online"
"#;

/// `status`: the last will.
pub(crate) const STATUS_OFFLINE: &str = r#"
a4 ; map of 4
  61 76 01 ; v: 1
  63 687562 65 6875622d31 ; hub: "hub-1"
  65 73696e6365 c0 7818 ; since: 0("2026-03-02T08:00:01.500Z")
    323032362d30332d30325430383a30303a30312e3530305a
  65 7374617465 67 6f66666c696e65 ; state: "offline"
"#;

/// `down/receipt`: nothing is missing.
pub(crate) const RECEIPT: &str = r#"
a6 ; map of 6
  61 76 01 ; v: 1
  63 687562 65 6875622d31 ; hub: "hub-1"
  65 65706f6368 48 0123456789abcdef ; epoch: h'0123456789abcdef'
  67 6d697373696e67 80 ; missing: []
  69 6973737565645f6174 c0 7818 ; issued_at: 0("2026-03-02T08:15:05.000Z")
    323032362d30332d30325430383a31353a30352e3030305a
  6a 686967685f7761746572 182b ; high_water: 43
"#;

/// `down/receipt`: two ranges are missing.
pub(crate) const RECEIPT_WITH_GAPS: &str = r#"
a6 ; map of 6
  61 76 01 ; v: 1
  63 687562 65 6875622d31 ; hub: "hub-1"
  65 65706f6368 48 0123456789abcdef ; epoch: h'0123456789abcdef'
  67 6d697373696e67 8282020282182818ff ; missing: [[2, 2], [40, 255]]
  69 6973737565645f6174 c0 7818 ; issued_at: 0("2026-03-02T08:15:05.000Z")
    323032362d30332d30325430383a31353a30352e3030305a
  6a 686967685f7761746572 19012c ; high_water: 300
"#;

/// `down/receipt`: what is held last has a checksum, and two records came under one number.
pub(crate) const RECEIPT_CONTESTED: &str = r#"
a8 ; map of 8
  61 76 01 ; v: 1
  63 687562 65 6875622d31 ; hub: "hub-1"
  65 65706f6368 48 0123456789abcdef ; epoch: h'0123456789abcdef'
  67 6d697373696e67 81820202 ; missing: [[2, 2]]
  68 636865636b73756d 1acbf43926 ; checksum: 3421780262
  69 636f6e746573746564 81820202 ; contested: [[2, 2]]
  69 6973737565645f6174 c0 7818 ; issued_at: 0("2026-03-02T08:15:05.000Z")
    323032362d30332d30325430383a31353a30352e3030305a
  6a 686967685f7761746572 03 ; high_water: 3
"#;
