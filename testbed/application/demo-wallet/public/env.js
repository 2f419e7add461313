// Settings that may change without a build, under a name that never changes: must not be cached for a year (F28).
window.walletSettings = { network: "preview" };
