"""One rule about live nodes a file. The file's name is the rule's id, its docstring the rule's page."""

# Looking into the folder would import `inspect`. A test compares the two.
__all__ = [
    "backend_not_applied",
    "damaged_dump",
    "iptables_version_skew",
    "kube_proxy_missing",
    "kube_proxy_not_ready",
    "kube_proxy_version_skew",
    "legacy_at_next_start",
    "legacy_in_use",
    "mixed_backends",
    "near_legacy",
    "no_service_rules",
    "other_kube_proxy_image",
    "pin_not_in_config",
    "pinned_to_other_backend",
    "restart_pending",
    "skipped_argument",
    "stale_legacy_rules",
    "too_little_evidence",
    "uneven_arguments",
    "unevenly_pinned",
    "unpinned_kube_proxy",
]
