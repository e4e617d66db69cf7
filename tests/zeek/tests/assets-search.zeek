# @TEST-DOC: A search tells of a controller that answers for another one.
#
# @TEST-EXEC: zeek -b -r ${PCAPS}/slmp-4e-node-search.pcap base/protocols/conn base/frameworks/notice/weird ${PACKAGE} %INPUT
# @TEST-EXEC: awk -f ${SCRIPTS}/columns.awk columns="ts host mac model series firmware serial protocols ports advisories source" melsec_assets.log > melsec_assets.cut && btest-diff melsec_assets.cut
# @TEST-EXEC: test ! -f reporter.log
# @TEST-EXEC: test ! -f weird.log
# @TEST-EXEC: test ! -f analyzer.log
