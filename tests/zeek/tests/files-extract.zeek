# @TEST-DOC: The stock script extracts what is transferred.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-3e-program-upload.pcap base/protocols/conn ${PACKAGE} policy/frameworks/files/extract-all-files
# @TEST-EXEC: cat extract_files/* | sha256sum > sum && btest-diff sum
# @TEST-EXEC: test ! -f reporter.log
