/* SPDX-License-Identifier: Apache-2.0 */
/* Which published bodies are taken for presence documents; every input stands against an unreadable page. */
#include "unit/notifier/support_notifier.h"

#include "support/span_guard.h"

struct verdict {
    bool good;
    const char *why;
};

static void check(void *ctx, struct span input)
{
    struct verdict *verdict = ctx;
    verdict->why = NULL;
    verdict->good = notifier_pidf_check(input, &verdict->why);
    assert_true(verdict->good || (verdict->why && *verdict->why));
}

static struct verdict judge(struct span body)
{
    struct verdict verdict;
    guard_both(body, check, &verdict);
    return verdict;
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"

static void documents_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "<presence/>",
        "<presence />",
        "<presence></presence >",
        HEAD "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity='pres:a@b'><tuple id=\"x\"/></presence>\n",
        "\xef\xbb\xbf" HEAD "<p:presence xmlns:p = \"u\"\n entity=\"e\"></p:presence>",
        HEAD "<!-- a > b --><presence>a &amp; &lt;&gt;&quot;&apos;&#10;&#xAb;</presence><!-- end -->",
        "<presence a=\"&amp;'\" b='\"'><![CDATA[<&>]]></presence>",
        "<presence><note xml:lang=\"de\">gr\xc3\xbc\xc3\x9f</note></presence>",
        "<presence><?target data?></presence>",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct verdict verdict = judge(span_of(good[i]));
        if (!verdict.good)
            fail_msg("refused: %s: %s", good[i], verdict.why);
    }
}

static void others_are_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "presence",
        " ",
        "<presence>",
        "<presence",
        "<presence a",
        "<presence a=",
        "<presence a=\"",
        "<presence a=\"<\"/>",
        "<presence a=b/>",
        "<presence a=\"1\"b=\"2\"/>",
        "<presence a=\"&x;\"/>",
        "<presence/",
        "<presence/><presence/>",
        "<presence/>text",
        "text<presence/>",
        "<presence></tuple>",
        "<presence><tuple></presence></tuple>",
        "</presence>",
        "<presence></presence",
        "<tuple/>",
        "<presenceful/>",
        "< presence/>",
        "<presence>&</presence>",
        "<presence>&bomb;</presence>",
        "<presence>&#;</presence>",
        "<presence>&#x;</presence>",
        "<presence>&#xFFFFFFFFF;</presence>",
        "<presence>&#12</presence>",
        "<presence><!-- </presence>",
        "<presence><![CDATA[ </presence>",
        "<![CDATA[ ]]><presence/>",
        "<!DOCTYPE presence><presence/>",
        "<!DOCTYPE presence [<!ENTITY a \"b\">]><presence>&a;</presence>",
        "<presence><!ELEMENT x></presence>",
        "<?xml <presence/>",
        "<presence>\x01</presence>",
        "<presence>\xff</presence>",
        "<presence>\xc3</presence>",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (judge(span_of(bad[i])).good)
            fail_msg("taken: %s", bad[i]);
    assert_false(judge(span_make("<presence>\0</presence>", 22)).good);
}

/* Every beginning of a document is no document, and is read no further than it goes. */
static void a_beginning_is_none(void **state)
{
    (void)state;
    static const char whole[] =
        HEAD "<presence xmlns=\"u\" a='&#xa;'><!-- c --><t id=\"1\"><![CDATA[x]]>&amp;<b/></t><?p i?></presence>";
    for (size_t len = 0; len + 1 < sizeof(whole); len++)
        assert_false(judge(span_make(whole, len)).good);
    assert_true(judge(span_of(whole)).good);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    for (unsigned depth = 31; depth <= 32; depth++) {
        char text[1024] = "<presence>";
        for (unsigned i = 0; i < depth; i++)
            strcat(text, "<a>");
        for (unsigned i = 0; i < depth; i++)
            strcat(text, "</a>");
        strcat(text, "</presence>");
        assert_int_equal(judge(span_of(text)).good, depth == 31);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_taken),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(a_beginning_is_none),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
