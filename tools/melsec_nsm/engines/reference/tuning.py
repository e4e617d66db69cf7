"""Detections that are other than as shipped at a site: off, with other thresholds, or silent about some hosts."""

from __future__ import annotations

from dataclasses import replace

from melsec_nsm.definitions.model import Detection
from melsec_nsm.policy.compiled import CompiledPolicy


class Tuned:
    """What a policy says of detections; nothing without one."""

    def __init__(self, policy: CompiledPolicy | None = None) -> None:
        self._policy = policy
        self._tunings = policy.policy.tunings if policy is not None else {}

    def tuned(self, detection: Detection) -> Detection | None:
        """The detection as the policy wants it, None where it is off."""
        tuning, threshold = self._tunings.get(detection.id), detection.when.threshold
        if tuning is None:
            return detection
        if not tuning.enabled:
            return None
        if threshold is None:
            return detection
        count, seconds = tuning.count or threshold.count, tuning.seconds or threshold.seconds
        wanted = replace(threshold, count=count, seconds=seconds)
        return replace(detection, when=replace(detection.when, threshold=wanted))

    def spares(self, detection: Detection, client: str) -> bool:
        """Whether a detection is not raised for a client."""
        tuning = self._tunings.get(detection.id)
        if tuning is None or not tuning.spared or self._policy is None or not client:
            return False
        host = self._policy.host(client)
        return host is not None and host.name in tuning.spared
