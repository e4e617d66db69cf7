"""melsec-nsm: Zeek analyzers and Suricata rules for Mitsubishi MELSEC traffic, made from one definition."""

__version__ = "0.1.0"
